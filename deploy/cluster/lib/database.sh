# shellcheck shell=bash disable=SC2154
# etcd, and PostgreSQL under Patroni.

start_etcd() {
    local n all
    all=$(for n in "${pgs[@]}"; do printf 'etcd%s=http://%s:2380,' "$n" "$(address "etcd$n")"; done)
    for n in "${pgs[@]}"; do
        runs "pg$n" "--name etcd$n" && continue
        # etcd wants a folder that nobody else reads.
        install -d -o etcd -g etcd -m 700 "$dir/etcd$n"
        local here_peer here_client
        here_peer="http://$(address "etcd$n"):2380"
        here_client="http://$(address "etcd$n"):2379"
        start "pg$n" etcd "etcd$n.log" etcd --name "etcd$n" --data-dir "$dir/etcd$n" --enable-v2 \
            --listen-peer-urls "$here_peer" --initial-advertise-peer-urls "$here_peer" \
            --listen-client-urls "$here_client" --advertise-client-urls "$here_client" \
            --initial-cluster "${all%,}" --initial-cluster-state new --initial-cluster-token techpass \
            --auto-compaction-mode periodic --auto-compaction-retention 1h --log-level warn
    done
    wait_for "quorum of etcd" 60 etcd_quorum
}

etcd_health() {
    ask "http://$(address "etcd$1"):2379/health" || echo "away"
}

etcd_quorum() {
    local n
    for n in "${pgs[@]}"; do
        ask "http://$(address "etcd$n"):2379/health" | grep -q '"true"' && return 0
    done
    return 1
}

read_secret() { cat "$dir/secrets/$1"; }

# Patroni's part that is kept in etcd and the same everywhere. Every number is explained in docs/cluster.md.
patroni_shared() {
    cat <<END
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    synchronous_mode_strict: true
    synchronous_node_count: 1
    primary_start_timeout: 15
    primary_stop_timeout: 10
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        synchronous_commit: "on"
        max_connections: 200
        max_wal_senders: 10
        wal_keep_size: 256MB
        wal_sender_timeout: 5s
        wal_receiver_timeout: 5s
        wal_receiver_status_interval: 1s
        wal_retrieve_retry_interval: 500ms
        tcp_keepalives_idle: 5
        tcp_keepalives_interval: 2
        tcp_keepalives_count: 3
        tcp_user_timeout: 10s
        password_encryption: scram-sha-256
  initdb:
  - encoding: UTF8
  - locale: C
  - data-checksums
  post_bootstrap: $dir/post_bootstrap
END
}

patroni_own() {
    local n=$1 own="$dir/pg$1"
    cat <<END
scope: techpass
name: pg$n
restapi:
  listen: $(address "pg$n"):8008
  connect_address: $(address "pg$n"):8008
etcd:
  hosts: $(address etcd1):2379,$(address etcd2):2379,$(address etcd3):2379
postgresql:
  listen: $(address "pg$n"):5432
  connect_address: $(address "pg$n"):5432
  use_unix_socket: true
  bin_dir: /usr/lib/postgresql/15/bin
  data_dir: $own/data
  pgpass: $own/pgpass
  basebackup:
  - checkpoint: fast
  authentication:
    superuser: {username: postgres, password: $(read_secret superuser), sslmode: verify-ca, sslrootcert: $dir/tls/ca.pem}
    replication: {username: replicator, password: $(read_secret replication), sslmode: verify-ca, sslrootcert: $dir/tls/ca.pem}
    rewind: {username: rewinder, password: $(read_secret rewind), sslmode: verify-ca, sslrootcert: $dir/tls/ca.pem}
  parameters:
    unix_socket_directories: $own/socket
    shared_buffers: 64MB
    ssl: "on"
    ssl_ca_file: $dir/tls/ca.pem
    ssl_cert_file: $dir/tls/pg$n.pem
    ssl_key_file: $dir/tls/pg$n.key
  pg_hba:
  - local all postgres peer
  - local all all scram-sha-256
  - hostssl techpass techpass $net.0/24 scram-sha-256
  - hostssl replication replicator $net.0/24 scram-sha-256
  - hostssl all postgres,rewinder $net.0/24 scram-sha-256
END
}

# The role and the database of the product, on the first primary.
post_bootstrap() {
    cat <<END
#!/bin/sh
exec psql -qd "\$1" -v ON_ERROR_STOP=1 <<SQL
SET synchronous_commit = local;
CREATE ROLE techpass LOGIN PASSWORD '$(read_secret database.password)';
CREATE DATABASE techpass OWNER techpass ENCODING UTF8 TEMPLATE template0 LOCALE 'C';
SQL
END
}

start_postgres() {
    local n
    post_bootstrap >"$dir/post_bootstrap"
    chown postgres: "$dir/post_bootstrap"
    chmod 700 "$dir/post_bootstrap"
    for n in "${pgs[@]}"; do
        runs "pg$n" "$dir/pg$n/patroni.yml" && continue
        install -d -o postgres -g postgres -m 711 "$dir/pg$n"
        install -d -o postgres -g postgres -m 755 "$dir/pg$n/socket"
        { patroni_own "$n" && patroni_shared; } >"$dir/pg$n/patroni.yml"
        chown postgres: "$dir/pg$n/patroni.yml"
        chmod 600 "$dir/pg$n/patroni.yml"
        start "pg$n" postgres "pg$n.log" env HOME="$dir/pg$n" patroni "$dir/pg$n/patroni.yml"
    done
}

# N of the server in a role, by Patroni's own word.
server_that_is() {
    local n
    for n in "${pgs[@]}"; do
        if ask "http://$(address "pg$n"):8008/$1" -o /dev/null; then
            echo "$n"
            return
        fi
    done
    return 1
}

primary() { server_that_is primary; }
synchronous() { server_that_is synchronous; }

# A primary, a synchronous standby, and all three servers with us.
replicated() {
    primary >/dev/null && synchronous >/dev/null && [ "$(members_running)" -eq 3 ]
}

members_running() {
    local n count=0
    for n in "${pgs[@]}"; do
        ask "http://$(address "pg$n"):8008/health" -o /dev/null && count=$((count + 1))
    done
    echo $count
}

patroni_list() {
    local n
    for n in "${pgs[@]}"; do
        [ -e "$dir/pg$n/patroni.yml" ] || continue
        on hub patronictl -c "$dir/pg$n/patroni.yml" list && return
    done
    say "there is no cluster in $dir"
}
