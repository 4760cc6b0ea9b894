// Package machine reads from Linux what a benchmark must know of the machine it
// runs on and of the processes it measures.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every
// architecture that Go supports.
const tick = 10 * time.Millisecond

// CPU is the time that processes have used so far.
func CPU(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		s, err := readStat(pid)
		if err != nil {
			return 0, err
		}
		sum += s.cpu
	}
	return sum, nil
}

// FamilyCPU is the time that a process and its children have used so far, the
// children that are gone included.
func FamilyCPU(pid int) (time.Duration, error) {
	parent, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	sum := parent.cpu + parent.waited
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if s, err := readStat(child); err == nil && s.parent == pid {
			sum += s.cpu + s.waited
		}
	}
	return sum, nil
}

// Parent is the process that started another.
func Parent(pid int) (int, error) {
	s, err := readStat(pid)
	return s.parent, err
}

type stat struct {
	parent      int
	cpu, waited time.Duration // of itself, and of children that ended
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(text)
}

// parseStat reads what follows the command's name, which may hold anything.
func parseStat(text []byte) (stat, error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return stat{}, errors.New("/proc/PID/stat is too short")
	}
	var n [15]int
	for _, i := range []int{1, 11, 12, 13, 14} {
		var err error
		if n[i], err = strconv.Atoi(string(fields[i])); err != nil {
			return stat{}, err
		}
	}
	return stat{n[1], time.Duration(n[11]+n[12]) * tick, time.Duration(n[13]+n[14]) * tick}, nil
}

// Memory is a process's resident memory in bytes: now, and at its most since
// ResetPeak.
func Memory(pid int) (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	return field(text, "VmRSS:"), field(text, "VmHWM:"), nil
}

// ResetPeak makes a process's peak begin anew.
func ResetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// field is a number of kB in bytes; 0 when it is not there.
func field(text []byte, name string) int64 {
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// Times are how the machine's CPUs have spent their time so far.
type Times struct{ total, busy, steal uint64 }

// ReadTimes reads them.
func ReadTimes() (Times, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Times{}, err
	}
	return parseTimes(text)
}

func parseTimes(text []byte) (Times, error) {
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return Times{}, errors.New("/proc/stat has no line of all CPUs with steal")
	}
	var t Times
	for i, f := range fields[1:9] { // what follows is counted in user time already
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return Times{}, err
		}
		t.total += n
		switch i {
		case 3, 4: // idle, and waiting for a disk
		case 7:
			t.steal = n
		default:
			t.busy += n
		}
	}
	return t, nil
}

// Steal is the share of CPU time, 0 to 1, that other machines took since before.
func (t Times) Steal(before Times) float64 {
	if t.total <= before.total {
		return 0
	}
	return float64(t.steal-before.steal) / float64(t.total-before.total)
}

// Others is the share of CPU time, 0 to 1, that was spent here since before on
// anything but what used known of it: other processes, and the kernel on their
// behalf and ours.
func (t Times) Others(before Times, known time.Duration) float64 {
	if t.total <= before.total {
		return 0
	}
	ours := float64(known) / float64(tick)
	return max(0, float64(t.busy-before.busy)-ours) / float64(t.total-before.total)
}

// Model is the processor's name.
func Model() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// TotalMemory is the machine's memory in bytes.
func TotalMemory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	return field(text, "MemTotal:")
}

// Kernel is the running kernel's release.
func Kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

// FileSystem is the type of the file system that a folder is on, such as ext4.
func FileSystem(dir string) (string, error) {
	var at syscall.Stat_t
	if err := syscall.Stat(dir, &at); err != nil {
		return "", err
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	major, minor := at.Dev>>8&0xfff, at.Dev&0xff|at.Dev>>12&0xfff00
	return mountType(string(text), fmt.Sprintf("%d:%d", major, minor)), nil
}

func mountType(mounts, device string) string {
	for line := range strings.Lines(mounts) {
		words := strings.Fields(line)
		if dash := slices.Index(words, "-"); len(words) > 2 && words[2] == device && dash > 0 && dash+1 < len(words) {
			return words[dash+1]
		}
	}
	return "unknown"
}

// SyncTime is how long the folder's disk takes to make an appended page durable:
// the median of some tries.
func SyncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, 200)
	for i := range took {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
