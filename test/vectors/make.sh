#!/bin/sh
# Makes the certificates that the tests of src/wire read, with the ssh-keygen of this machine. Run it in this folder.
# Each line of certificates.txt has its name as the comment: KEY-by-CA, then the odd ones. The keys are thrown away.
set -eu
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for bits in rsa:2048 ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521; do
  type=${bits%:*} size=${bits#*:}
  [ "$type" = ecdsa ] && name=ecdsa$size || name=$type
  ssh-keygen -q -t "$type" -b "$size" -N '' -C "$name" -f "ca_$name"
  ssh-keygen -q -t "$type" -b "$size" -N '' -C "$name" -f "key_$name"
done

# A string of the ssh wire format, of at most 127 bytes.
string() { printf "\\000\\000\\000\\$(printf %03o ${#1})%s" "$1"; }
# A security key is its plain twin under another name, with an application behind it; none is needed to be certified.
security_key() { # TYPE TWIN LENGTH-OF-THE-TWIN'S-NAME NAME
  blob=$({ string "$1"; cut -d' ' -f2 "key_$2.pub" | base64 -d | tail -c +$((5 + $3)); string ssh:; } | base64 -w0)
  echo "$1 $blob $4" >"key_$4.pub"
}
security_key sk-ssh-ed25519@openssh.com ed25519 11 sked25519
security_key sk-ecdsa-sha2-nistp256@openssh.com ecdsa256 19 skecdsa256

sign() { # NAME CA KEY OPTIONS...
  name=$1 ca=$2 key=$3
  shift 3
  cp "key_$key.pub" "$name.pub"
  ssh-keygen -q -s "ca_$ca" "$@" "$name.pub"
  cut -d' ' -f1,2 "$name-cert.pub" | sed "s/\$/ $name/" >>certificates.txt
}

for ca in rsa ed25519 ecdsa256 ecdsa384 ecdsa521; do
  for key in rsa ed25519 ecdsa256 ecdsa384 ecdsa521 sked25519 skecdsa256; do
    sign "$key-by-$ca" "$ca" "$key" -I "key id of $key" -n alice,root -z 4711 -V 20240101000000Z:20240101003000Z
  done
done
sign sha1 rsa ed25519 -I sha1 -n alice -t ssh-rsa
sign sha256 rsa ed25519 -I sha256 -n alice -t rsa-sha2-256
sign forever ed25519 ed25519 -I forever -n alice -V always:forever
sign nobody ed25519 ed25519 -I 'nobody [é]' -z 18446744073709551615
sign host ed25519 ed25519 -h -I host -n web1.example.org,web1
sign options ed25519 ed25519 -I options -n alice -O clear -O force-command='echo hi' -O source-address=192.0.2.0/24,2001:db8::/32 \
  -O permit-pty -O critical:flag@example.org -O extension:login@example.org=alice -O no-touch-required

cat certificates.txt >"$here/certificates.txt"
cat ca_*.pub >"$here/authorities.txt"
