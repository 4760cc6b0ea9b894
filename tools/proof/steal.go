package main

import (
	"fmt"
	"os"
)

// cpuTime is what the CPUs have done since the machine started, in ticks.
type cpuTime struct{ all, stolen float64 }

// readCPU reads /proc/stat; where there is none, nothing was taken.
func readCPU() (t cpuTime) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	var n [8]float64 // user nice system idle iowait irq softirq steal
	fmt.Sscanf(string(text), "cpu %g %g %g %g %g %g %g %g", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7])
	for _, v := range n {
		t.all += v
	}
	t.stolen = n[7]
	return t
}

// since is the part of the CPU time that other machines took, in percent.
func (t cpuTime) since(then cpuTime) float64 {
	if t.all <= then.all {
		return 0
	}
	return float64(int(1000*(t.stolen-then.stolen)/(t.all-then.all)+0.5)) / 10
}
