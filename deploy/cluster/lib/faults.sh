# shellcheck shell=bash disable=SC2154
# What can be broken. `heal` mends it.

fault() {
    local name=${1:-} of=${2:-}
    recall
    there hub || die "the cluster is not up"
    case $name in
    kill-primary) gone "pg$(the_primary)" ;;
    kill-postgres) kill_postgres ;;
    switchover) switchover ;;
    partition) partition "${of:-etcd}" ;;
    kill-standby) kill_standby "$of" ;;
    kill-node) gone "node${of:-1}" ;;
    kill-etcd) kill_etcd "$of" ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
}

the_primary() { primary || die "there is no primary"; }

# A host without power: its processes end, and nobody hears of it.
gone() {
    there "$1" || die "there is no $1"
    link "$1" down
    kill_host "$1"
    say "gone: $1"
}

kill_postgres() {
    local n pid
    n=$(the_primary)
    pid=$(head -n 1 "$dir/pg$n/data/postmaster.pid")
    kill -9 "$pid"
    say "killed: PostgreSQL of pg$n"
}

switchover() {
    local n
    n=$(the_primary)
    on hub curl -sf --max-time 30 -XPOST -d "{\"leader\":\"pg$n\"}" "http://$(address "pg$n"):8008/switchover" >&2
    say ""
}

partition() {
    local n other
    n=$(the_primary)
    case $1 in
    etcd)
        for other in "${pgs[@]}"; do
            [ "$other" -ne "$n" ] || continue
            mute "pg$n" "$(address "etcd$other")"
            mute "pg$other" "$(address "etcd$n")"
        done
        ;;
    standbys)
        for other in "${pgs[@]}"; do
            [ "$other" -eq "$n" ] || cut "pg$n" "pg$other"
        done
        ;;
    nodes) cut node1 "pg$n" ;;
    host) link "pg$n" down ;;
    *) die "partition etcd, standbys, nodes or host" ;;
    esac
    say "cut: pg$n from $1"
}

kill_standby() {
    local n other
    n=$(the_primary)
    if [ "$1" = both ]; then
        # Patroni's own record needs a majority, so etcd goes on there.
        for other in "${pgs[@]}"; do
            [ "$other" -eq "$n" ] || postgres_gone "$other"
        done
    else
        postgres_gone "$(synchronous || die "there is no synchronous standby")"
    fi
}

# PostgreSQL and Patroni of a host, not its etcd.
postgres_gone() {
    local pid kept
    kept=" $(running "pg$1" "--name etcd$1" | tr '\n' ' ')"
    for pid in $(processes "pg$1"); do
        case $kept in
        *" $pid "*) ;;
        *) kill -9 "$pid" 2>/dev/null || true ;;
        esac
    done
    say "gone: PostgreSQL and Patroni of pg$1"
}

kill_etcd() {
    local n left=1
    [ "$1" != quorum ] || left=2
    for n in 3 2 1; do
        [ $left -gt 0 ] || break
        etcd_gone "$n" && left=$((left - 1))
    done
}

etcd_gone() {
    local all
    all=$(running "pg$1" "--name etcd$1")
    [ -n "$all" ] || return 1
    # shellcheck disable=SC2086
    kill -9 $all
    say "killed: etcd$1"
}
