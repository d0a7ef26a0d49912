#!/bin/sh
# A typical dehydrated hook: it shows its arguments.
echo "    dehydrated hook: $# arguments: $*"
echo "    dehydrated hook: CHALLENGETYPE=$CHALLENGETYPE"
