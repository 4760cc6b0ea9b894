//go:build !linux

package e2e

import "testing"

// needMemory skips a test that cannot be done here.
func needMemory(t *testing.T) {
	t.Skip("how much memory the server has is read from /proc, which only Linux has: run this on Linux")
}

func residentMemory(*testing.T, int) int64 { return 0 }
