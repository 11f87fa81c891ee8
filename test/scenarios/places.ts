/**
 * `at NETWORK COMMAND…` runs the command where the kernel's tables below /proc/net are those of another network: in a mount namespace
 * of its own, as root or by a user namespace. Nothing can be mounted below /proc/PID/net, so /proc is made anew of links to
 * the real one. `requests`: how often the address services were asked since it was run last, by family.
 */
const at = `#!/bin/sh
place=$1; shift
gateway=0101A8C0 mac= six=
case $place in
  home) mac=02:00:00:00:00:01 ;;
  home-unsure) ;;
  cafe) mac=02:00:00:00:00:02 ;;
  office) gateway=0100000A mac=02:00:00:00:00:03 six=yes ;;
  nowhere) gateway= ;;
  *) echo "there is no place $place" >&2; exit 99 ;;
esac
net=$BSSH_SANDBOX/net-$place
mkdir -p "$net" "$BSSH_SANDBOX/proc"
{
  echo "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
  [ "$gateway" ] && echo "wlan0 00000000 $gateway 0003 0 0 600 00000000 0 0 0"
} >"$net/route"
{
  echo "IP address HW type Flags HW address Mask Device"
  [ "$mac" ] && echo "192.168.1.1 0x1 0x2 $mac * wlan0" && echo "10.0.0.1 0x1 0x2 $mac * wlan0"
} >"$net/arp"
zero=00000000000000000000000000000000
{
  [ "$six" ] && echo "$zero 00 $zero 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 wlan0"
} >"$net/ipv6_route"
{
  [ "$six" ] && echo "20010db8000000000000000000000007 02 40 00 00 wlan0"
} >"$net/if_inet6"
for how in "unshare -m" "unshare -rm"; do
  $how true 2>/dev/null || continue
  exec $how sh -c '
    real=$1 net=$2; shift 2
    mount --rbind /proc "$real" && mount -t tmpfs none /proc || exit 99
    for entry in "$real"/*; do
      case \${entry##*/} in net) ;; *) ln -s "$entry" "/proc/\${entry##*/}" ;; esac
    done
    ln -s "$net" /proc/net
    exec "$@"' sh "$BSSH_SANDBOX/proc" "$net" "$@"
done
echo "at: another network can be had only as root or with user namespaces" >&2
exit 99
`;
const requests = `#!/bin/sh
sort "$BSSH_SANDBOX/address-requests" 2>/dev/null | uniq -c | sed 's/^ *//'
rm -f "$BSSH_SANDBOX/address-requests"
`;

export const PLACES: Readonly<Record<string, string>> = { at, requests };
