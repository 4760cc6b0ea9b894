#!/bin/sh
# Builds the release: an archive for each platform, and their sums, in dist. make release calls it.
#
# The same commit and the same Go give the same bytes, wherever the tree lies (make reproducible shows it). VERSION and
# SOURCE_DATE_EPOCH come from git unless they are set, as they must be where there is no git; PLATFORMS builds fewer.
set -eu
cd "$(dirname "$0")/.."

GO=${GO:-go}
PLATFORMS=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}
VERSION=${VERSION:-$(git describe --tags --always --dirty)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
case $VERSION in
*[!0-9A-Za-z.+_-]*)
	echo "release: the version $VERSION cannot be part of a file's name" >&2
	exit 1
	;;
esac

# All that would change the bytes: the instruction sets, the zone and order of what is written, the user's own flags.
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOWORK=off GOFLAGS='-mod=readonly -trimpath -buildvcs=false'
unset GOOS GOARCH GOEXPERIMENT GOFIPS140

work=$(mktemp -d "${TMPDIR:-/tmp}/release.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
start=$(date +%s)
say() { printf 'release: %4d s  %s\n' "$(($(date +%s) - start))" "$1"; }

# build FILE [OS/ARCH]: for this machine unless told otherwise.
build() {
	platform=${2:-/}
	GOOS=${platform%/*} GOARCH=${platform#*/} "$GO" build \
		-ldflags "-s -w -buildid= -X contactbook/internal/cli.version=$VERSION" -o "$1" ./cmd/contactbook
}

# licence OF-WHAT FILE prints a licence.
licence() {
	printf '== %s: %s\n\n' "$1" "${2##*/}"
	cat "$2"
	echo
}

# licences prints the licences of everything that is in the binaries, as those licences ask.
licences() {
	for platform in $PLATFORMS; do
		GOOS=${platform%/*} GOARCH=${platform#*/} "$GO" list -deps \
			-f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/contactbook || exit 1
	done >"$work/modules"
	echo "go $("$GO" env GOVERSION) $("$GO" env GOROOT)" >>"$work/modules" # its standard library
	sort -u "$work/modules" | while read -r module version dir; do
		found=''
		for file in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE*; do
			if [ -f "$file" ]; then
				found=yes
				licence "$module $version" "$file"
			fi
		done
		if [ -z "$found" ]; then
			echo "release: $module has no licence file" >&2
			exit 1
		fi
	done || exit 1
	for file in docs/reference/*LICENSE*; do
		licence 'the reference page' "$file"
	done
}

say "contactbook $VERSION with $("$GO" env GOVERSION), into dist"
rm -rf dist
mkdir -p dist "$work/common/man" "$work/common/completions" "$work/stage"

build "$work/contactbook"
"$work/contactbook" man "$work/common/man" >/dev/null
"$work/contactbook" completion bash >"$work/common/completions/contactbook.bash"
"$work/contactbook" completion zsh >"$work/common/completions/_contactbook"
"$work/contactbook" completion fish >"$work/common/completions/contactbook.fish"
licences >"$work/common/LICENSES-OF-LIBRARIES"
cp README.md LICENSE CHANGELOG.md "$work/common"
if [ -f openapi.yaml ]; then
	cp openapi.yaml "$work/common"
fi
say 'manual pages, completions, licences'

archives=''
for platform in $PLATFORMS; do
	name=contactbook-$VERSION-$(echo "$platform" | tr / -)
	folder=$work/stage/$name
	cp -R "$work/common" "$folder"
	case $platform in
	windows/*) binary=contactbook.exe archive=$name.zip ;;
	*) binary=contactbook archive=$name.tar.gz ;;
	esac
	case $platform in
	linux/*) cp deploy/contactbook.service deploy/contactbook.conf "$folder" ;;
	esac
	build "$folder/$binary" "$platform"
	archives="$archives dist/$archive"
	say "$platform built"
done

(cd tools && "$GO" build -o "$work/archive" ./archive)
# Unquoted: one word for each archive.
# shellcheck disable=SC2086
"$work/archive" -time "$SOURCE_DATE_EPOCH" -from "$work/stage" -sums dist/SHA256SUMS $archives
say 'archives and sums:'
cat dist/SHA256SUMS
