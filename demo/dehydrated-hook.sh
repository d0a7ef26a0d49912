#!/bin/sh
# A dehydrated hook of the usual kind: it shows what it got.
echo "    dehydrated hook: $# arguments: $*"
echo "    dehydrated hook: CHALLENGETYPE=$CHALLENGETYPE"
