#!/bin/sh
# Shows that the release can be reproduced: builds what is committed twice, in two folders, the second time from an empty
# build cache, and compares the archives byte for byte. make reproducible calls it; PLATFORMS checks fewer.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

VERSION=$(git describe --tags --always)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export VERSION SOURCE_DATE_EPOCH

one=$work/one
two=$work/a/longer/way/to/two
for tree in "$one" "$two"; do
	mkdir -p "$tree"
	git archive HEAD | tar -xf - -C "$tree"
done
echo "reproducible: first build of $VERSION"
sh "$one/tools/release.sh"
echo 'reproducible: second build, elsewhere and from an empty cache'
GOCACHE=$work/cache sh "$two/tools/release.sh"
diff -r "$one/dist" "$two/dist"
echo "reproducible: $(wc -l <"$one/dist/SHA256SUMS" | tr -d ' ') archives, equal byte for byte"
