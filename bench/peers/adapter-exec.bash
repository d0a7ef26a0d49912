#!/bin/bash
# certbot's manual hook as dehydrated's, in as few steps as bash can; $1 is the hook.
set -euo pipefail
operation=deploy_challenge
[[ -v CERTBOT_AUTH_OUTPUT ]] && operation=clean_challenge
exec "$1" "$operation" "${CERTBOT_DOMAIN:?}" "${CERTBOT_TOKEN:-}" "${CERTBOT_VALIDATION:?}"
