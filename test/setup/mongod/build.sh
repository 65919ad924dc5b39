#!/bin/sh
# Builds the root file system of the image that stands in for MongoDB in tests: FerretDB over PostgreSQL 18 with
# DocumentDB from Debian sid, and a `mongod` of our own that runs them.
#
#   build.sh TAR
#
# Needs root, debootstrap, git and Go. Packages come from the Debian mirror that this machine's apt uses, else from
# debootstrap's default; MIRROR names another.
set -eu

tar=$1
here=$(cd "$(dirname "$0")" && pwd)
version=v2.7.0

for tool in debootstrap git go tar chroot; do
  command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$tool" >/dev/null || { echo "build.sh: install $tool first" >&2; exit 2; }
done

mirror=${MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  sed -n '/^Debian .*security/d; s/^Debian //p' | head -n 1)}

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
root=$work/root lib=$work/root/usr/lib/muster-mongod

build_programs() {
  source=$(go mod download -json "github.com/FerretDB/FerretDB/v2@$version" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
  cp -R "$source" "$work/ferretdb"
  chmod -R u+w "$work/ferretdb"
  cd "$work/ferretdb"
  git apply "$here/ferretdb.patch"
  echo "$version" >build/version/version.txt
  export CGO_ENABLED=0
  go build -trimpath -ldflags='-s -w' -o "$work/bin/ferretdb" ./cmd/ferretdb
  cd "$here"
  go build -trimpath -ldflags='-s -w' -o "$work/bin/mongod" main.go
}

build_programs &
programs=$!
debootstrap --variant=minbase --include=postgresql-18-documentdb sid "$root" ${mirror:+"$mirror"} >"$work/log" 2>&1 || {
  tail -n 20 "$work/log" >&2
  echo "build.sh: debootstrap of sid failed" >&2
  exit 1
}
wait "$programs"

install -D "$work/bin/ferretdb" "$lib/ferretdb"
install "$work/bin/mongod" "$root/usr/bin/mongod"
echo 'mongodb:x:999:999:MongoDB:/tmp:/bin/sh' >>"$root/etc/passwd"
echo 'mongodb:x:999:' >>"$root/etc/group"

# The cluster that every server starts with a copy of: twenty times as fast as to make one.
install -d -o 999 -g 999 "$root/make"
chroot --userspec=999:999 "$root" /bin/sh -eu >"$work/log" 2>&1 <<'SCRIPT' || { cat "$work/log" >&2; exit 1; }
export LC_ALL=C TZ=UTC PATH=/usr/lib/postgresql/18/bin:$PATH PGDATA=/make/template
initdb --username=postgres --auth=trust --encoding=UTF8 --no-sync --no-data-checksums --wal-segsize=1
cat >"$PGDATA/postgresql.conf" <<'SETTINGS'
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
cron.launch_active_jobs = off
documentdb.enableBackgroundWorker = off
listen_addresses = ''
unix_socket_directories = '/make'
dynamic_shared_memory_type = 'mmap'
max_wal_size = '2MB'
fsync = off
SETTINGS
pg_ctl -w start
psql -X -q -h /make -U postgres -c 'CREATE EXTENSION documentdb CASCADE'
pg_ctl -w stop -m fast
: >"$PGDATA/postgresql.conf"
SCRIPT
mv "$root/make/template" "$lib/template"
chown -R 0:0 "$lib"
chmod -R u=rwX,go=rX "$lib"
rm -rf "$root/make"

cd "$root"
tar -c --numeric-owner -f "$tar.part" \
  --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
  --exclude='./usr/share/i18n/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
  --exclude='./var/lib/postgresql/*' .
mv "$tar.part" "$tar"
