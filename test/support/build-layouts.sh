#!/bin/sh
# Makes stand-ins for the layouts of the official images from muster.test/postgres:17, which has Debian's own:
#   muster.test/postgres:17-official  user 999, a declared volume, and an entrypoint that must not be used
#   muster.test/postgres:17-alpine    the same with user 70, binaries in /usr/local/bin, and no tool but BusyBox's
# Needs a Docker daemon (DOCKER_HOST is respected) and busybox-static, from this machine or from its apt.
set -eu
work=$(mktemp -d)
cell=muster-layout-$$
trap 'docker rm -f "$cell" >/dev/null 2>&1 || :; rm -rf "$work"' EXIT

if ! busybox=$(command -v busybox) || ! "$busybox" --list | grep -qx nc; then
  (cd "$work" && apt-get -qq download busybox-static && dpkg -x busybox-static_*.deb unpacked) >&2
  busybox=$(find "$work/unpacked" -type f -name busybox)
fi

# layout TAG UID OPTION... <SCRIPT: runs as root in a container of the stand-in, under BusyBox's shell
layout() {
  tag=$1 uid=$2
  shift 2
  {
    cat
    cat <<'EOF'
printf '#!/bin/sh\necho this entrypoint must not be used >&2\nexit 1\n' >/usr/local/bin/docker-entrypoint.sh
chmod 755 /usr/local/bin/docker-entrypoint.sh
sed -i -E "s/^postgres:x:[0-9]+:[0-9]+:/postgres:x:$1:$1:/" /etc/passwd
sed -i -E "s/^postgres:x:[0-9]+:/postgres:x:$1:/" /etc/group
mkdir -p /var/lib/postgresql/data
chown -R "$1:$1" /var/lib/postgresql
EOF
  } >"$work/script"
  docker create --name "$cell" --network none --entrypoint /busybox muster.test/postgres:17 sh -e /script "$uid" >/dev/null
  docker cp "$busybox" "$cell:/busybox" >/dev/null
  docker cp "$work/script" "$cell:/script" >/dev/null
  docker start -a "$cell"
  docker commit -c 'ENTRYPOINT ["docker-entrypoint.sh"]' -c 'CMD ["postgres"]' \
    -c 'ENV PGDATA=/var/lib/postgresql/data' -c 'VOLUME /var/lib/postgresql/data' "$@" "$cell" "$tag" >/dev/null
  docker rm "$cell" >/dev/null
  echo "built $tag"
}

paths=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

layout muster.test/postgres:17-official 999 -c "ENV PATH=$paths:/usr/lib/postgresql/17/bin" <<'EOF'
rm /busybox
EOF

layout muster.test/postgres:17-alpine 70 -c "ENV PATH=$paths" <<'EOF'
/busybox mv /usr/lib/postgresql/17/bin/* /usr/local/bin/
/busybox mv /usr/lib/postgresql/17/lib/* /usr/local/lib/
/busybox rm -f /usr/bin/bash /usr/bin/dash /usr/bin/perl*
for applet in $(/busybox --list); do /busybox rm -f "/usr/bin/$applet" "/usr/sbin/$applet"; done
/busybox mv /busybox /usr/bin/busybox
/usr/bin/busybox --install -s /usr/bin
EOF
