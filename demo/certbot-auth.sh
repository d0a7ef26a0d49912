#!/bin/sh
# A typical certbot auth hook. Its cleanup hook needs its output, so messages go
# to standard error.
echo "    certbot auth hook: CERTBOT_DOMAIN=$CERTBOT_DOMAIN CERTBOT_VALIDATION=$CERTBOT_VALIDATION" >&2
echo "record-4711"
