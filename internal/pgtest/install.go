//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

const (
	tempRoot   = "/tmp" // not os.TempDir: a long TMPDIR makes the socket's path too long
	tempPrefix = "cbpg-"
	port       = "5432" // the socket's name, no TCP port
)

// places are where packages put the server's programs when they stay off PATH, as Debian's do.
// tools/setup.sh looks at the same ones.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

// find returns the folder that holds both initdb and postgres: from path, else the newest of the places.
func find(path string, places []string) (string, error) {
	var dirs []string
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, place := range places {
		found, _ := filepath.Glob(place)
		sort.Slice(found, func(i, j int) bool { return version(found[i]) > version(found[j]) })
		dirs = append(dirs, found...)
	}
	for _, dir := range dirs {
		// A link may stand for initdb alone; its own folder has the rest.
		initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
		if err != nil {
			continue
		}
		bin := filepath.Dir(initdb)
		if executable(initdb) && executable(filepath.Join(bin, "postgres")) {
			return bin, nil
		}
	}
	return "", fmt.Errorf("pgtest: PostgreSQL's server programs (initdb and postgres, version 14 or later) are missing: "+
		"not on PATH, not in %s. Install them (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17; "+
		"or make setup), or set %s to the DSN of a server whose role may create databases",
		strings.Join(places, ", "), Env)
}

// version returns the number in a place's path, such as 15 in /usr/lib/postgresql/15/bin.
func version(dir string) float64 {
	var v float64
	for _, word := range strings.FieldsFunc(dir, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		if n, err := strconv.ParseFloat(word, 64); err == nil {
			v = n
		}
	}
	return v
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// account returns who runs the server: nil for the user we are, an ordinary one when we are root, since PostgreSQL
// refuses to run as root.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseInt(u.Uid, 10, 64) // macOS's nobody is -2
		gid, err2 := strconv.ParseInt(u.Gid, 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("pgtest: user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("pgtest: PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// claim marks the folder as ours: a locked file, which the kernel unlocks when this process ends, however it ends.
// The file takes its name only once it is locked, so sweep never meets it unlocked by a living owner.
func claim(dir string) (*os.File, error) {
	fresh := filepath.Join(dir, "owner.new")
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(dir, "owner"))
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("pgtest: claiming %s: %w", dir, err)
	}
	return f, nil
}

// sweep removes the folders of processes that were killed before they could, 40 MB each. It takes only folders
// that belong to us or to the server's user, that nobody holds, and whose server is gone.
func sweep(owner *syscall.Credential) {
	dirs, _ := filepath.Glob(filepath.Join(tempRoot, tempPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || int(st.Uid) != os.Getuid() && (owner == nil || st.Uid != owner.Uid) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && !alive(dir) {
			_ = os.RemoveAll(dir)
		}
		_ = f.Close()
	}
}

// alive says whether the folder's postmaster still runs: it may be shutting down after its owner's death. A number
// taken over by another process says yes too, which only puts the sweeping off.
func alive(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return false
	}
	return syscall.Kill(pid, 0) != syscall.ESRCH
}
