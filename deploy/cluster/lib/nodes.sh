# shellcheck shell=bash disable=SC2154
# The nodes of TechPass, the way to the primary beside each, and the front.

# One port that leads to whoever is the primary by Patroni's word.
proxy_config() {
    local n
    cat <<END
global
    maxconn 1000
    log stdout format raw local0 notice
    # Once it listens.
    user haproxy
    group haproxy
defaults
    mode tcp
    log global
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    timeout check 1s
listen primary
    bind 127.0.0.1:5432
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
END
    for n in "${pgs[@]}"; do
        echo "    server pg$n $(address "pg$n"):5432 check port 8008"
    done
}

node_config() {
    local n=$1
    cat <<END
public_url = "http://localhost:$port"
listen = "$(address "node$n"):8081"
role = "techpass"

[database]
url = "postgres://techpass@db.techpass.internal:5432/techpass?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=$dir/tls/ca.pem"
password_file = "$dir/secrets/database.password"
cluster = true

[secrets]
master_key_file = "$dir/secrets/master.key"
# Each node's own.
epoch_file = "$dir/node$n/epoch"

[brand]
name = "TechPass"

[authenticator]
public_url = "http://localhost:$((port + 1))"
listen = "$(address "node$n"):8083"

[management]
listen = "$(address "node$n"):9090"

[drain]
# The front has looked twice by then.
delay_s = 2

[proxy]
trusted = ["$(address front)/32"]
END
    [ ! -e "$dir/more.toml" ] || cat "$dir/more.toml"
}

start_nodes() {
    local n
    [ -z "$more" ] || cp "$more" "$dir/more.toml"
    proxy_config >"$dir/primary.cfg"
    for n in 1 2 3; do
        runs "node$n" "$dir/primary.cfg" ||
            start "node$n" haproxy "node$n-proxy.log" haproxy -db -f "$dir/primary.cfg"
        runs "node$n" "$dir/node$n/techpass.toml" && continue
        install -d -o "$techpass_id" -g "$techpass_id" -m 755 "$dir/node$n"
        node_config "$n" >"$dir/node$n/techpass.toml"
        start "node$n" "$techpass_id" "node$n.log" "$dir/bin/techpass" serve --config "$dir/node$n/techpass.toml"
        # The first one alone makes the schema, and the others need not wait for it in vain.
        [ "$n" -gt 1 ] || wait_for "first node that is ready" 60 node_ready 1
    done
}

node_ready() { ask "http://$(address "node$1"):9090/readyz" -o /dev/null; }

all_ready() { node_ready 1 && node_ready 2 && node_ready 3 && front_answers; }

node_health() {
    on hub curl -s --max-time 3 "http://$(address "node$1"):9090/readyz" || echo "away"
}

front_config() {
    local n
    cat <<END
global
    maxconn 8000
    log stdout format raw local0 notice
    # Once it listens.
    user haproxy
    group haproxy
defaults
    mode http
    log global
    timeout connect 500ms
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout check 2500ms
    # A node that is gone says nothing: what was sent to it and is not taken, or a peer that is silent, is given up after 2 s.
    option srvtcpka
    srvtcpka-idle 1s
    srvtcpka-intvl 1s
    srvtcpka-cnt 2
    retries 3
    option redispatch
    # A request that surely reached nobody may go to another node.
    retry-on conn-failure empty-response
    option forwardfor
    # What the front says by itself, while no node answers.
    http-error status 503 content-type text/plain string "The service is busy. Try again in a moment." hdr Retry-After 2
    http-reuse safe
frontend front
    bind 127.0.0.1:$port namespace tpc-machine
    # An empty answer is tried again only where doing it twice is doing it once.
    http-request disable-l7-retry unless METH_GET
    # No node is ready while the database takes no writes. Those that live still answer what needs none, and say when to come back.
    use_backend ready if { nbsrv(ready) gt 0 }
    default_backend alive
frontend authenticator
    bind 127.0.0.1:$((port + 1)) namespace tpc-machine
    default_backend authenticator
backend ready
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1 tcp-ut 2s
END
    for n in 1 2 3; do
        echo "    server node$n $(address "node$n"):8081 check port 9090"
    done
    printf '%s\n' "backend alive" "    balance roundrobin" "    timeout check 500ms" "    option httpchk GET /livez" \
        "    default-server inter 500ms fall 2 rise 1 tcp-ut 2s"
    for n in 1 2 3; do
        echo "    server node$n $(address "node$n"):8081 check port 9090"
    done
    printf '%s\n' "backend authenticator" "    balance roundrobin" "    default-server tcp-ut 2s"
    for n in 1 2 3; do
        echo "    server node$n $(address "node$n"):8083 track alive/node$n"
    done
}

start_front() {
    runs front "$dir/front.cfg" && return
    front_config >"$dir/front.cfg"
    # As root at first: a socket in this machine's network needs that.
    start front root front.log haproxy -db -f "$dir/front.cfg"
}

front_answers() {
    curl -sf --max-time 3 -o /dev/null "http://localhost:$port/.well-known/openid-configuration"
}

front_health() {
    if front_answers; then echo "answers at http://localhost:$port"; else echo "away"; fi
}
