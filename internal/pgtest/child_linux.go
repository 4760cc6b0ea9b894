package pgtest

import "syscall"

// tie asks the kernel to shut the child down at once (SIGQUIT is the postmaster's immediate shutdown, which takes
// its children along) when its parent dies.
func tie(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// watch has nothing left to do here.
func watch(int) (release func(), err error) { return func() {}, nil }
