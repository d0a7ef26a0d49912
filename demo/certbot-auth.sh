#!/bin/sh
# A certbot auth hook of the usual kind: its output is what its cleanup hook
# will need, so that what it shows goes to standard error.
echo "    certbot auth hook: CERTBOT_DOMAIN=$CERTBOT_DOMAIN CERTBOT_VALIDATION=$CERTBOT_VALIDATION" >&2
echo "record-4711"
