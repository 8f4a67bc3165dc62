#!/bin/sh
# Certificates for a studio's broker, agents and control software, signed by an authority of your own.
#
#   certificates.sh FOLDER authority               once: ca.key (keep it off the broker), ca.pem (goes everywhere)
#   certificates.sh FOLDER broker NAME…            broker.key, broker.pem; every host name and address it is reached by
#   certificates.sh FOLDER client NAME             NAME.key, NAME.pem; NAME is agent.name, or a user of the acl
#
# Nothing that exists is overwritten. Valid for 825 days, the authority for ten years; DAYS=90 says otherwise.
set -eu
umask 077

say() { printf '%s\n' "certificates.sh: $*" >&2; }

usage() {
    sed -n 's/^#   //p' "$0" >&2
    exit 64
}

new() { # new NAME: refuse to overwrite
    for file in "$1.key" "$1.pem"; do
        [ ! -e "$file" ] || { say "$file is there already: remove it first"; exit 73; }
    done
}

signed() { # signed NAME SUBJECT USAGE [SAN]
    new "$1"
    [ -r ca.key ] || { say "no ca.key in $folder: make the authority first"; exit 66; }
    {
        printf 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$3"
        [ -z "${4-}" ] || printf 'subjectAltName=%s\n' "$4"
    } >"$1.ext"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "${DAYS:-825}" \
        -extfile "$1.ext" -out "$1.pem" 2>/dev/null
    rm -f "$1.csr" "$1.ext"
    chmod 644 "$1.pem"
    say "$folder/$1.key, $folder/$1.pem"
}

[ $# -ge 2 ] || usage
folder=$1 what=$2
shift 2
command -v openssl >/dev/null || { say "needs openssl"; exit 69; }
mkdir -p "$folder"
cd "$folder"

case $what in
authority)
    [ $# = 0 ] || usage
    new ca
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "${DAYS:-3650}" \
        -subj "/CN=studio authority" -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
    chmod 644 ca.pem
    say "$folder/ca.key, $folder/ca.pem"
    ;;
broker)
    [ $# -ge 1 ] || usage
    names=
    for name in "$@"; do
        case $name in
        *[!A-Za-z0-9.:-]* | '') say "'$name' is neither a host name nor an address"; exit 64 ;;
        *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) names=$names,IP:$name ;;
        *) names=$names,DNS:$name ;;
        esac
    done
    signed broker "$1" serverAuth "${names#,}"
    ;;
client)
    [ $# = 1 ] || usage
    case $1 in
    ca | broker) say "'$1' is taken: choose another name"; exit 64 ;;
    [!a-z0-9]* | *[!a-z0-9_-]*) say "'$1' is no name: a-z 0-9 _ -, the first a letter or digit"; exit 64 ;;
    esac
    signed "$1" "$1" clientAuth
    ;;
*) usage ;;
esac
