# shellcheck shell=bash disable=SC2154
# Hosts: a network namespace each, on one bridge in a namespace of its own. Nothing is routed to this machine's network.
# Names and addresses stay the same, so there can be one cluster on a machine.

hub=tpc-hub
net=10.77.0
# shellcheck disable=SC2034
pgs=(1 2 3)

# The address of a host: pg1..3, etcd1..3 (beside PostgreSQL, an address of its own), node1..3, front, hub.
address() {
    case $1 in
    hub) echo "$net.1" ;;
    pg?) echo "$net.1${1#pg}" ;;
    node?) echo "$net.2${1#node}" ;;
    front) echo "$net.30" ;;
    etcd?) echo "$net.4${1#etcd}" ;;
    esac
}

hosts() { echo pg1 pg2 pg3 node1 node2 node3 front; }

there() { [ -e "/run/netns/tpc-$1" ]; }

# Runs a command on a host, or at the operator's seat.
on() {
    local host=$1
    shift
    ip netns exec "tpc-$host" "$@"
}

# The processes of a host. Those of this machine are never among them: every name leads to a namespace we made.
processes() { ip netns pids "tpc-$1" 2>/dev/null || true; }

kill_host() {
    local all
    all=$(processes "$1")
    # Once more for what was being started meanwhile.
    while [ -n "$all" ]; do
        # shellcheck disable=SC2086
        kill -9 $all 2>/dev/null || true
        sleep 0.05
        all=$(processes "$1")
    done
}

link() { ip -n "$hub" link set "$1" "$2"; }

make_host() {
    local host=$1
    there "$host" && return
    ip netns add "tpc-$host"
    ip -n "tpc-$host" link set lo up
    ip -n "$hub" link add "$host" type veth peer name eth0 netns "tpc-$host"
    ip -n "$hub" link set "$host" master bridge up
    ip -n "tpc-$host" addr add "$(address "$host")/24" dev eth0
    case $host in
    pg?) ip -n "tpc-$host" addr add "$(address "etcd${host#pg}")/24" dev eth0 ;;
    esac
    ip -n "tpc-$host" link set eth0 up
}

make_network() {
    local host
    if ! there hub; then
        ip netns add "$hub"
        ip -n "$hub" link set lo up
        ip -n "$hub" link add bridge type bridge
        ip -n "$hub" link set bridge up
        ip -n "$hub" addr add "$(address hub)/24" dev bridge
    fi
    for host in $(hosts); do
        make_host "$host"
    done
    # This machine's own network under a name, so that the front can listen on its loopback.
    [ -e /run/netns/tpc-machine ] || ip netns attach tpc-machine $$
}

remove_network() {
    local host
    for host in $(hosts) hub; do
        there "$host" || continue
        kill_host "$host"
        ip netns del "tpc-$host"
    done
    [ ! -e /run/netns/tpc-machine ] || ip netns del tpc-machine
}

# Packets from a host to an address go to nobody, without an error, as on a broken wire.
mute() { ip -n "tpc-$1" neigh replace "$2" lladdr 02:00:00:00:00:ff dev eth0 nud permanent; }

# Neither hears the other.
cut() {
    mute "$1" "$(address "$2")"
    mute "$2" "$(address "$1")"
}

mend_network() {
    local host
    for host in $(hosts); do
        there "$host" || continue
        link "$host" up
        ip -n "tpc-$host" neigh flush dev eth0 nud permanent
    done
}

# Starts a program on a host as a user (name or number), its output in a log. One that fails is started again after a
# second, as systemd does.
start() {
    local host=$1 user=$2 log=$3
    shift 3
    local group=$user
    (
        cd "$dir" || exit
        exec ip netns exec "tpc-$host" setsid setpriv --reuid "$user" --regid "$group" --clear-groups \
            sh -c 'until "$@"; do sleep 1; done' again "$@" >>"$dir/log/$log" 2>&1 </dev/null 9>&-
    ) &
    disown
}

# Processes of a host with this in their command line.
running() {
    local pid
    for pid in $(processes "$1"); do
        if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$2"; then
            echo "$pid"
        fi
    done
}

runs() { [ -n "$(running "$1" "$2")" ]; }

wait_for() {
    local what=$1 seconds=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@"; do
        [ $SECONDS -lt $end ] || die "no $what within $seconds s; the logs are in $dir/log"
        sleep 0.2
    done
}

# An answer's body from the operator's seat; nothing when there is none.
ask() { on hub curl -sf --max-time 2 "$@" 2>/dev/null; }
