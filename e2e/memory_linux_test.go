package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"testing"
)

// needMemory lets a test run where memory can be measured.
func needMemory(*testing.T) {}

// residentMemory is the resident set of a process, in bytes; 0 once it has ended.
func residentMemory(t *testing.T, pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Errorf("the server's memory: %v", err)
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		var kb int64
		if n, _ := fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
