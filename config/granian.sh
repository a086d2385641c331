#!/bin/sh
# granian: config/granian.sh 'shop:create_app'   (a factory; without --factory an app object such as 'shop:app')
# Its workers are processes of their own that import the app, so nothing is shared between them.
set -eu
if [ -n "${PROMETHEUS_MULTIPROC_DIR:-}" ]; then
    rm -rf -- "$PROMETHEUS_MULTIPROC_DIR"
    mkdir -p -- "$PROMETHEUS_MULTIPROC_DIR"
fi
exec granian --interface wsgi --factory \
    --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}" \
    --workers "${WEB_CONCURRENCY:-2}" --blocking-threads 4 \
    --respawn-failed-workers --workers-kill-timeout 20 --log-level info \
    "$1"
