package deploy

// systemd is Linux's alone, and so is the check of its unit.

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// systemd reads the unit and finds nothing to say about it. It looks for the
// program, so the unit that it reads names one that is there.
func TestUnit(t *testing.T) {
	const program = "/usr/local/bin/contactbook"
	unit := text(t, "contactbook.service")
	if !strings.Contains(unit, "\nExecStart="+program+" serve\n") {
		t.Fatalf("the unit does not run %s serve", program)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if said := verify(t, strings.ReplaceAll(unit, "="+program+" ", "="+self+" ")); said != "" {
		t.Error(said)
	}
	m := regexp.MustCompile(`(?m)^TimeoutStopSec=(.*)$`).FindStringSubmatch(unit)
	if m == nil {
		t.Fatal("no TimeoutStopSec")
	}
	if stop, err := time.ParseDuration(m[1]); err != nil || stop <= drain(t) {
		t.Errorf("the server is killed after %s, and drains for %s", m[1], drain(t))
	}
	if verify(t, "[Service]\nExecStart="+self+"\nNoNewPrivilege=yes\n") == "" {
		t.Error("systemd-analyze finds no fault in a misspelt unit")
	}
}

// verify returns what systemd says about a unit.
func verify(t *testing.T, unit string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is missing: make setup installs it (Debian's package systemd)")
	}
	file := filepath.Join(t.TempDir(), "contactbook.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	// The manual page need not be installed.
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file).CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}
