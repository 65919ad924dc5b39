#!/bin/sh
# Builds a scratch image for PostgreSQL from Debian packages, where no image registry can be reached.
#
#   build-postgres.sh MAJOR SUITE TAG
#
#   MAJOR   major version of PostgreSQL, as the Debian release has it: 15 in bookworm, 17 in trixie
#   SUITE   the Debian release
#   TAG     name of the image, for example muster.local/postgres:17; then in the configuration of Muster
#           scratch: { images: { postgres: "muster.local/postgres:{major}" } }
#
# Needs root, debootstrap, and a Docker daemon (DOCKER_HOST is respected). Packages come from the Debian mirror that
# this machine's apt uses, else from debootstrap's default; MIRROR names another. The image holds pgBackRest, too. It has
# no entrypoint: Muster starts the server itself.
set -eu

if [ $# -ne 3 ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
major=$1 suite=$2 tag=$3

for tool in debootstrap docker tar; do
  command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$tool" >/dev/null || { echo "build-postgres.sh: install $tool first" >&2; exit 2; }
done
docker version >/dev/null || exit 2

mirror=${MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  sed -n '/^Debian .*security/d; s/^Debian //p' | head -n 1)}
include=postgresql-$major,pgbackrest

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$root"

debootstrap --variant=minbase --include="$include" "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || {
  tail -n 20 "$root.log" >&2
  echo "build-postgres.sh: debootstrap of $suite failed, see $root.log" >&2
  exit 1
}
rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/lib/postgresql/"$major"

tar -C "$root" --numeric-owner -c . |
  docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$tag" >/dev/null
echo "built $tag"
