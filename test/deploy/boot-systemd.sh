#!/bin/sh
# boot-systemd.sh FOLDER GROUP FROM:TO…: becomes a systemd of this machine's files, in an overlay below FOLDER that keeps
# what is written in memory. To be run in new mount, PID, network, IPC and UTS namespaces. Nothing of this machine's own
# units, generators or kernel settings is started or set; processes are in the control group GROUP.
set -eu
root=$1 group=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
mkdir "$root/groups" "$root/upper" "$root/work" "$root/units" "$root/all"
mount -t cgroup2 cgroup2 "$root/groups"
mkdir "$root/groups/$group"
echo 0 > "$root/groups/$group/cgroup.procs"
umount "$root/groups"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/all"
exec unshare --cgroup sh -euc '
root=$1
shift
cd "$root/all"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
  : > dev/$node
  mount --bind /dev/$node dev/$node
done
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

lib=usr/lib/systemd
for unit in basic.target sysinit.target sockets.target multi-user.target network-online.target shutdown.target \
  systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket; do
  cp $lib/system/$unit "$root/units/"
done
mount --bind "$root/units" $lib/system
for folder in etc/systemd/system etc/systemd/system-generators $lib/system-generators; do
  [ ! -d $folder ] || mount -t tmpfs -o mode=755 tmpfs $folder
done
mkdir etc/systemd/system/sockets.target.wants
ln -s /$lib/system/systemd-journald.socket etc/systemd/system/sockets.target.wants/

mkdir run/old
pivot_root . run/old
for pair in "$@"; do
  from=/run/old${pair%%:*} to=${pair#*:}
  rm -f "$to" 2>/dev/null || :
  if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "${to%/*}" && : > "$to"; fi
  mount --bind "$from" "$to"
done
umount -l /run/old
# As it is on a host, where systemd is not in a container: credentials reach services through it.
mount --make-rshared /
exec env -i container=muster-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /$lib/systemd --unit=multi-user.target --log-target=journal --show-status=false
' sh "$root" "$@"
