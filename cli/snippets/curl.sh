#!/bin/sh
# A machine gets an access token from {issuer} for itself: no person, no browser.
# The secret is read from a file, so that it stands in no list of processes: one line, `user = "{client_id}:SECRET"`.
set -eu
token_endpoint=$(curl --fail --silent --show-error {issuer}/.well-known/openid-configuration |
    sed -n 's/.*"token_endpoint" *: *"\([^"]*\)".*/\1/p')
answer=$(curl --fail-with-body --silent --show-error --config {client_id}.curlrc \
    --data grant_type=client_credentials "$token_endpoint")
# Use it until `expires_in` seconds have passed, then come again: there is no refresh token, and none is needed.
printf '%s\n' "$answer" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p'
