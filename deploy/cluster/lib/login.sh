# shellcheck shell=bash disable=SC2154
# A vendor signs in through the front: password, number, the number typed into the phone on the command line, and the
# application redeems its code. Commands run on a node's host, since that is where the database can be reached.

vendor=siti_rahim@techpass.example
callback=http://localhost:9/callback

techpass() { "$dir/bin/techpass" "$@"; }

# An administrator's command, on the first node that is there.
administer() {
    local n
    for n in 1 2 3; do
        if node_ready "$n"; then
            on "node$n" setpriv --reuid "$techpass_id" --regid "$techpass_id" --clear-groups \
                "$dir/bin/techpass" "$@" --config "$dir/node$n/techpass.toml"
            return
        fi
    done
    die "no node is ready"
}

# A vendor with a phone and an application, made at the first login.
make_people() {
    local made="$dir/people"
    [ -e "$made/client.json" ] && return
    (umask 077 && mkdir -p "$made" && random 12 >"$made/password")
    administer users add --login-id $vendor --name "Siti Rahim" --password-file - <"$made/password" >&2
    local link
    link=$(administer users enrol-link $vendor | grep -o 'http[^ ]*')
    techpass authenticator --phone "$made/phone.json" enrol "$link" >&2
    administer clients add --name Portal --redirect-uri $callback --json >"$made/client.json.new"
    mv "$made/client.json.new" "$made/client.json"
}

member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }

# The browser: one jar of cookies, and no script. A 503 says when to come again, and so it does, as a person would.
browse() {
    local tried
    for tried in $(seq 60); do
        curl -s --max-time 10 -b "$jar" -c "$jar" -D "$jar.head" -o "$jar.body" "$@" || true
        case $(head -n 1 "$jar.head" 2>/dev/null) in
        *" 503"* | '') say "  $(stamp) busy, again in a second ($tried)" && sleep 1 ;;
        *) return 0 ;;
        esac
    done
    die "the front did not answer for a minute"
}

stamp() { date +%H:%M:%S.%3N; }

leads_to() { sed -n 's/^[Ll]ocation: *//p' "$jar.head" | tr -d '\r'; }

hidden() { sed -n 's/.*name="v" value="\([^"]*\)".*/\1/p' "$jar.body" | head -n 1; }

shown_number() {
    tr -d '\n' <"$jar.body" | sed -n 's/.*data-testid="match-number"[^>]*>\([^<]*\)<.*/\1/p'
}

# A page's form is sent with one field more.
submit() {
    browse "$login"
    browse "$login" --data-urlencode "v=$(hidden)" --data-urlencode "$1"
}

begin_login() {
    verifier=$(random 32)
    local challenge query
    challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=')
    query="response_type=code&client_id=$(member client_id "$dir/people/client.json")&redirect_uri=$callback"
    query+="&scope=openid%20profile&state=$(random 16)&nonce=$(random 16)&code_challenge_method=S256"
    browse "$front/authorize?$query&code_challenge=$challenge"
    login=$(leads_to)
    case $login in
    /*) login=$front$login ;;
    esac
}

# Types the number until an answer comes: an answer that was lost may be sent again.
approve() {
    local tried
    for tried in $(seq 90); do
        if techpass authenticator --phone "$dir/people/phone.json" approve --account $vendor --number "$1" >&2; then
            return
        fi
        say "  $(stamp) the phone tries again ($tried)"
        sleep 1
    done
    die "the phone's answer was not taken"
}

redeem() {
    local code=$1 answer tried
    for tried in $(seq 60); do
        answer=$(curl -s --max-time 10 "$front/token" \
            -u "$(member client_id "$dir/people/client.json"):$(member client_secret "$dir/people/client.json")" \
            --data-urlencode "code=$code" -d grant_type=authorization_code \
            --data-urlencode "redirect_uri=$callback" -d "code_verifier=$verifier" || true)
        case $answer in
        *access_token*) break ;;
        *temporarily_unavailable* | '') say "  $(stamp) the application tries again ($tried)" && sleep 1 ;;
        *) die "the code was refused: $answer" ;;
        esac
    done
    printf '%s' "$answer" >"$jar.tokens"
    curl -sf --max-time 10 -H "Authorization: Bearer $(member access_token "$jar.tokens")" "$front/userinfo"
}

login() {
    recall
    front="http://localhost:$port"
    there hub || die "the cluster is not up"
    make_people
    jar=$(mktemp -d)/jar
    trap 'rm -rf -- "${jar%/jar}"' EXIT
    begin_login
    submit "login_id=$vendor"
    submit "password=$(cat "$dir/people/password")"
    browse "$login"
    local number
    number=$(shown_number)
    [ -n "$number" ] || die "the page shows no number: $(sed -n 's/.*<h1>\(.*\)<\/h1>.*/\1/p' "$jar.body")"
    say "$(stamp) the browser shows $number"
    if [ -n "$during" ]; then
        # shellcheck disable=SC2086
        fault $during
        say "$(stamp) the number is typed into the phone"
    fi
    approve "$number"
    say "$(stamp) approved"
    browse "$login"
    local back
    back=$(leads_to)
    case $back in
    "$callback"*code=*) ;;
    *) die "the browser was led to ${back:-nowhere}" ;;
    esac
    redeem "$(printf %s "$back" | sed 's/.*[?&]code=\([^&]*\).*/\1/')"
    say ""
    say "$(stamp) signed in"
}
