# shellcheck shell=bash disable=SC2154
# Packages, the program, and secrets.

# TechPass's own processes run under this number, which needs no account.
techpass_id=64750

missing_packages() {
    local need=(
        etcd:etcd-server etcdctl:etcd-client patroni:patroni haproxy:haproxy curl:curl openssl:openssl
        ip:iproute2 setpriv:util-linux
    )
    local one
    for one in "${need[@]}"; do
        command -v "${one%%:*}" >/dev/null || echo "${one#*:}"
    done
    [ -e /usr/lib/python3/dist-packages/etcd ] || echo python3-etcd
    [ -x /usr/lib/postgresql/15/bin/initdb ] || echo postgresql-15
}

# Installs what is missing from Debian's packages. Nothing that a package brings along as a service is started.
packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        made=1
    fi
    # Without a default cluster PostgreSQL's package makes no database.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/techpass-cluster.conf
    apt-get update -qq
    local well=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || well=1
    [ -z "$made" ] || rm -f $policy
    [ $well -eq 0 ] || die "the packages could not be installed"
}

# The program is copied, so that a new build does not change what runs.
find_program() {
    local found=$program root="$here/../.."
    if [ -z "$found" ]; then
        [ -x "$dir/bin/techpass" ] && return
        for found in "$root/target/release/techpass" "$root/target/debug/techpass" "$(command -v techpass || true)"; do
            [ ! -x "$found" ] || break
        done
    fi
    [ -x "$found" ] || die "there is no program techpass: cargo build --release, or --program FILE"
    mkdir -p "$dir/bin"
    # Not over a file that is being run.
    cp "$found" "$dir/bin/techpass.new"
    chmod 755 "$dir/bin/techpass.new"
    mv "$dir/bin/techpass.new" "$dir/bin/techpass"
}

# What the other verbs have to know.
remember() {
    mkdir -p "$dir/log" "$dir/secrets"
    chmod 755 "$dir" "$dir/log"
    chmod 711 "$dir/secrets"
    # Passed by hand over to `recall`.
    [ -e "$dir/cluster.env" ] || printf '%s\n' "$port" >"$dir/cluster.env"
    port=$(cat "$dir/cluster.env")
}

recall() {
    [ ! -e "$dir/cluster.env" ] || port=$(cat "$dir/cluster.env")
}

random() { openssl rand -hex "$1"; }

# A file with a secret for one user, made once.
secret() {
    local file="$dir/secrets/$1" owner=$2 bytes=$3
    [ -e "$file" ] && return
    (umask 077 && random "$bytes" >"$file.new")
    chown "$owner" "$file.new"
    mv "$file.new" "$file"
}

make_secrets() {
    local name
    for name in superuser replication rewind; do
        secret "$name" postgres 24
    done
    secret database.password $techpass_id 24
    secret master.key $techpass_id 32
    make_authority
}

# A certificate authority for PostgreSQL, and a certificate for each server, which is also good for the name that nodes
# use at the proxy beside them.
make_authority() {
    local tls="$dir/tls" n
    [ -e "$tls/pg3.pem" ] && return
    mkdir -p "$tls"
    local new=(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch)
    openssl "${new[@]}" -x509 -days 3650 -subj "/CN=TechPass cluster" -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>/dev/null
    for n in "${pgs[@]}"; do
        openssl "${new[@]}" -subj "/CN=pg$n" -keyout "$tls/pg$n.key" -out "$tls/pg$n.csr" 2>/dev/null
        openssl x509 -req -days 3650 -in "$tls/pg$n.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial \
            -extfile <(printf 'subjectAltName=DNS:db.techpass.internal,DNS:pg%s,IP:%s' "$n" "$(address "pg$n")") \
            -out "$tls/pg$n.pem" 2>/dev/null
        rm "$tls/pg$n.csr"
        chown postgres: "$tls/pg$n.key"
        chmod 600 "$tls/pg$n.key"
    done
}
