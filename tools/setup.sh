#!/bin/sh
# Finds what the tests need, installs what is missing where it can, and says so. make test calls it.
#
# On Debian and Ubuntu, as root or with sudo that asks no password, missing packages are installed. Elsewhere, and for
# Go itself, it names what is missing and how to get it, and fails: no test is skipped for want of a program.
set -eu
cd "$(dirname "$0")/.."

GO=${GO:-go}
packages='' # Debian packages to install
mac=''      # commands to run on macOS instead
missing=''  # what is missing, in words

found() { printf 'setup: %-15s %s\n' "$1" "$2"; }

# lack NAME-IN-WORDS DEBIAN-PACKAGES MACOS-COMMAND
lack() {
	packages="$packages $2"
	mac="$mac${mac:+; }$3"
	missing="$missing${missing:+, }$1"
}

# as_root runs a command as root, or fails.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# at_least HAVE WANT compares dotted versions: 1.26.1 is at least 1.26.
at_least() {
	awk -v have="$1" -v want="$2" 'BEGIN {
		n = split(want, w, "."); split(have, h, ".")
		for (i = 1; i <= n; i++) {
			if (h[i] + 0 > w[i] + 0) exit 0
			if (h[i] + 0 < w[i] + 0) exit 1
		}
	}'
}

look_go() {
	want=$(awk '$1 == "go" { print $2; exit }' go.mod)
	if ! command -v "$GO" >/dev/null 2>&1; then
		echo "setup: Go $want or later is missing (no $GO on PATH): install it from https://go.dev/dl/" >&2
		exit 1
	fi
	# Go itself fetches a newer toolchain for this module where it is allowed to; it fails where it is not.
	if ! have=$("$GO" env GOVERSION) || ! at_least "$(echo "$have" | sed 's/^.*go//; s/[^0-9.].*$//')" "$want"; then
		echo "setup: Go $want or later is needed, this is $("$GO" version 2>&1 || true): install it from https://go.dev/dl/" >&2
		exit 1
	fi
	found go "$(command -v "$GO") ($have)"
}

# postgres_bin prints the folder with both initdb and postgres. It looks where internal/pgtest looks: PATH, then
# the newest of the places where packages put them.
postgres_bin() {
	old_ifs=$IFS
	IFS=:
	for dir in $PATH; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
			IFS=$old_ifs
			echo "$dir"
			return 0
		fi
	done
	IFS=$old_ifs
	for place in '/usr/lib/postgresql/*/bin' '/usr/pgsql-*/bin' '/opt/homebrew/opt/postgresql@*/bin' '/usr/local/opt/postgresql@*/bin'; do
		# Unquoted: this is where the pattern becomes folders.
		newest=$(for dir in $place; do
			if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
				echo "$("$dir/postgres" --version | awk '{ print $3 + 0 }') $dir"
			fi
		done | sort -rn | head -n 1 | cut -d ' ' -f 2)
		if [ -n "$newest" ]; then
			echo "$newest"
			return 0
		fi
	done
	return 1
}

look_postgres() {
	if [ -n "${CONTACTBOOK_TEST_POSTGRES:-}" ]; then
		found PostgreSQL 'the server that CONTACTBOOK_TEST_POSTGRES names'
	elif bin=$(postgres_bin); then
		have=$("$bin/postgres" --version | cut -d ' ' -f 1-3)
		found PostgreSQL "$bin ($have)"
		if ! at_least "$(echo "$have" | awk '{ print $3 }')" 14; then
			echo "setup: PostgreSQL 14 or later is needed: install one, or set CONTACTBOOK_TEST_POSTGRES to a server's DSN" >&2
			exit 1
		fi
	else
		lack "PostgreSQL's server (or CONTACTBOOK_TEST_POSTGRES set to a server's DSN)" postgresql 'brew install postgresql@17'
	fi
}

# look_tool NAME DEBIAN-PACKAGES MACOS-COMMAND
look_tool() {
	if command -v "$1" >/dev/null 2>&1; then
		found "$1" "$(command -v "$1") ($("$1" --version | head -n 1 | cut -d ' ' -f 1-3))"
	else
		lack "$1" "$2" "$3"
	fi
}

# The race detector links with a C compiler and its library: a compiler that is there but cannot build is missing too.
look_cc() {
	cc=$("$GO" env CC)
	dir=$(mktemp -d "${TMPDIR:-/tmp}/setup.XXXXXX")
	printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$dir/t.c"
	# Unquoted: CC may carry flags.
	if $cc -o "$dir/t" "$dir/t.c" >/dev/null 2>&1; then
		found 'C compiler' "$cc ($($cc --version | head -n 1))"
	else
		lack "a C compiler with its library ($cc)" 'gcc libc6-dev' 'xcode-select --install'
	fi
	rm -rf "$dir"
}

# look_snippet NAME says whether the snippet in this language will be run: it is where its interpreter is installed.
look_snippet() {
	if command -v "$1" >/dev/null 2>&1; then
		found "$1" "$(command -v "$1")"
	else
		found "$1" "not installed: the tests do not run its snippet of docs/snippets"
	fi
}

look() {
	packages='' mac='' missing=''
	look_postgres
	look_tool curl 'curl ca-certificates' 'brew install curl'
	look_cc
	look_tool git git 'brew install git'
	if [ "$(uname -s)" = Linux ]; then # the tests of the systemd unit are Linux's alone
		look_tool systemd-analyze systemd ''
	fi
}

# install_debian installs the packages. Debian's PostgreSQL comes with a cluster that starts with the machine; the
# tests need only its programs, so that is turned off for this installation.
install_debian() {
	echo "setup: missing: $missing"
	echo "setup: installing$packages"
	conf=/etc/postgresql-common/createcluster.d/contactbook-setup.conf
	case $packages in
	*postgresql*)
		trap 'as_root rm -f "$conf"' EXIT
		as_root mkdir -p "${conf%/*}"
		echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
		;;
	esac
	as_root apt-get update -q
	# Unquoted: one word for each package.
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
}

look_go
for language in python3 node php; do look_snippet "$language"; done
look
if [ -z "$missing" ]; then
	exit 0
fi
if [ "$(uname -s)" = Darwin ]; then
	echo "setup: missing: $missing. Run: $mac" >&2
	exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: missing: $missing. Install them with this system's package manager (Debian's names:$packages)" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
	echo "setup: missing: $missing. Run as root: apt-get install$packages" >&2
	exit 1
fi
install_debian
look
if [ -n "$missing" ]; then
	echo "setup: still missing after the installation: $missing" >&2
	exit 1
fi
