package machine

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat([]byte("42 (a) b (c)) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 3 4 20 0 9 0 100 1000 10"))
	want := stat{7, 3 * time.Second, 70 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := parseStat([]byte("42 (a) S 7")); err == nil {
		t.Error("short text: no error")
	}
}

func TestSteal(t *testing.T) {
	a, err := parseTimes([]byte("cpu  10 0 10 70 0 0 0 10 5 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseTimes([]byte("cpu  60 0 20 100 0 0 0 20 5 5\n"))
	if got := b.Steal(a); err != nil || got != 0.1 {
		t.Errorf("steal %v %v", got, err)
	}
	if got := b.Others(a, 400*time.Millisecond); got != 0.2 {
		t.Errorf("others %v", got)
	}
}

func TestMountType(t *testing.T) {
	const mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n23 22 0:21 / /proc rw - proc proc rw\n"
	if got := mountType(mounts, "254:0"); got != "ext4" {
		t.Error(got)
	}
	if got := mountType(mounts, "1:1"); got != "unknown" {
		t.Error(got)
	}
}

// What is read of this very process must be plausible.
func TestSelf(t *testing.T) {
	pid := os.Getpid()
	for start := time.Now(); time.Since(start) < 60*time.Millisecond; {
	}
	cpu, err := CPU(pid)
	if err != nil || cpu < 20*time.Millisecond || cpu > time.Minute {
		t.Errorf("CPU %v %v", cpu, err)
	}
	family, err := FamilyCPU(pid)
	if err != nil || family < cpu {
		t.Errorf("family %v %v", family, err)
	}
	now, peak, err := Memory(pid)
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("memory %d %d %v", now, peak, err)
	}
	if parent, err := Parent(pid); err != nil || parent != os.Getppid() {
		t.Errorf("parent %d %v", parent, err)
	}
	if fs, err := FileSystem(t.TempDir()); err != nil || fs == "unknown" {
		t.Errorf("file system %s %v", fs, err)
	}
	if d, err := SyncTime(t.TempDir()); err != nil || d <= 0 {
		t.Errorf("sync %v %v", d, err)
	}
	if Model() == "unknown" || TotalMemory() < 1<<28 || Kernel() == "" {
		t.Error(Model(), TotalMemory(), Kernel())
	}
}
