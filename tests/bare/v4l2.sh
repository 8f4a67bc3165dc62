#!/bin/sh
# Runs the V4L2 driver against a real kernel's: boots a stock kernel in a virtual machine with this machine's files
# (read-only, over 9p) and the module `vivid`, a camera that breaks on command. Needs qemu, a static busybox with depmod
# and cpio, and an unpacked kernel package. About a minute, all emulated. Not part of ./studio test.
#
#   apt-get download linux-image-VERSION-amd64 && dpkg -x linux-image-*.deb KERNEL
#   tests/bare/v4l2.sh KERNEL
set -eu

[ -d "${1-}/lib/modules" ] || { echo 'usage: tests/bare/v4l2.sh KERNEL' >&2; exit 64; }
kernel=$(cd "$1" && pwd -P)
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)
version=$(ls "$kernel/lib/modules")
busybox=$(command -v busybox)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/host" "$work/root/lib/modules/$version"
cp "$busybox" "$work/root/bin/busybox"
cp "$kernel/lib/modules/$version"/modules.* "$work/root/lib/modules/$version"
(cd "$kernel/lib/modules/$version" &&
    find kernel/drivers/virtio kernel/drivers/media kernel/net/9p kernel/fs/9p kernel/fs/netfs kernel/fs/fscache \
        kernel/drivers/char/hw_random kernel/drivers/video kernel/drivers/usb/common kernel/sound/core kernel/sound/soundcore.ko \
        kernel/lib kernel/crypto -name '*.ko' 2>/dev/null |
    grep -v -e media/usb -e media/pci -e media/dvb -e media/tuners -e media/i2c |
    cpio -pdm "$work/root/lib/modules/$version") 2>/dev/null
"$busybox" depmod -b "$work/root" "$version"
cat >"$work/root/init" <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
for module in virtio_pci 9pnet_virtio 9p; do modprobe \$module || echo "no \$module"; done
modprobe vivid n_devs=1 node_types=0x1 || echo 'no vivid'
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144 host /host || echo 'no host'
mount -t devtmpfs dev /host/dev
mount -t proc proc /host/proc
mount -t sysfs sys /host/sys
mount -t tmpfs tmp /host/mnt
cd /host
chroot /host /bin/sh -c 'cd "$checkout" && PYTHONDONTWRITEBYTECODE=1 .venv/bin/python -m tests.bare.v4l2_node /dev/video0'
echo "ended with \$?"
poweroff -f
EOF
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"

accel='-accel tcg,thread=multi -cpu max'
# shellcheck disable=SC2086 # options
timeout 300 qemu-system-x86_64 $accel -m 1024 -smp 2 -nographic -no-reboot -net none \
    -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1' \
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap" </dev/null | tee "$work/said"
grep -q '^ended with 0' "$work/said"
