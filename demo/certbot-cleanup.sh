#!/bin/sh
# The cleanup hook of the pair: it works only with the output of its auth hook.
echo "    certbot cleanup hook: CERTBOT_DOMAIN=$CERTBOT_DOMAIN CERTBOT_AUTH_OUTPUT=$CERTBOT_AUTH_OUTPUT" >&2
[ "$CERTBOT_AUTH_OUTPUT" = record-4711 ]
