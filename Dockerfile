# The images of docker-compose.yml: `app` runs every process of ours, `front` is nginx, `broker` is Mosquitto.
FROM node:22-bookworm-slim AS browser
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.13-slim-bookworm AS app
# GeoDjango loads the distribution's GDAL and GEOS; fping serves the reachability checks.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gdal-bin gettext fping \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin geoportale \
    && install -d -o geoportale -g geoportale /var/lib/geoportale /run/geoportale /srv/static \
    && install -d -o 1883 -g 1883 /var/lib/broker-tls && install -d -m 700 -o 1883 -g 1883 /var/lib/broker-ca
WORKDIR /srv/geoportale
COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY --from=browser /src/node_modules node_modules
COPY manage.py package-lock.json ./
COPY deploy deploy
COPY geoportal geoportal
COPY layers layers
COPY ogc ogc
COPY wifi wifi
COPY kiosks kiosks
ENV DJANGO_SETTINGS_MODULE=geoportal.settings PYTHONUNBUFFERED=1 GEOPORTAL_STATIC_ROOT=/srv/static \
    GEOPORTAL_VAR=/var/lib/geoportale
RUN GEOPORTAL_SECRET_KEY=only-for-the-build python manage.py compilemessages \
    && GEOPORTAL_SECRET_KEY=only-for-the-build python manage.py collectstatic --noinput
USER geoportale

FROM postgis/postgis:17-3.5 AS db
# What GDAL reads becomes a table of another office too (`/fonti/`, kind "GDAL").
RUN apt-get update \
    && apt-get install -y --no-install-recommends "postgresql-${PG_MAJOR}-ogr-fdw" \
    && rm -rf /var/lib/apt/lists/*

FROM nginxinc/nginx-unprivileged:1-bookworm AS front
COPY --from=app /srv/static /srv/static
COPY deploy/pages /srv/pages
COPY deploy/nginx.conf.in /tmp/nginx.conf.in
RUN sed -e 's|@account@||' -e 's|@root@|/tmp|g' -e 's|@mime_types@|/etc/nginx/mime.types|' -e 's|@listen@|8080|' \
        -e 's|@static@|/srv/static|g' -e 's|@pages@|/srv/pages|g' -e 's|@log_level@|warn|' \
        -e 's|@web@|unix:/run/geoportale/web.sock|' -e 's|@heavy@|unix:/run/geoportale/heavy.sock|' \
        -e 's|@live@|unix:/run/geoportale/live.sock|' -e 's|@brotli_module@||' -e 's|@brotli@||' \
        /tmp/nginx.conf.in > /etc/nginx/nginx.conf
CMD ["nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"]

FROM eclipse-mosquitto:2 AS broker
COPY deploy/mosquitto.conf.in /tmp/mosquitto.conf.in
COPY deploy/broker-entrypoint /usr/local/bin/broker-entrypoint
RUN sed -e 's|@account@||' -e 's|@port@|1883|' -e 's|@listen@|0.0.0.0|' \
        -e 's|@plugin@|/usr/lib/mosquitto_dynamic_security.so|' -e 's|@root@|/mosquitto/data|g' \
        /tmp/mosquitto.conf.in > /mosquitto/config/mosquitto.conf
COPY deploy/mosquitto-tls.conf.in /tmp/mosquitto-tls.conf.in
RUN sed -e 's|@tls_port@|8883|' -e 's|@tls_listen@|0.0.0.0|' -e 's|@certificates@|/mosquitto/tls|' \
        /tmp/mosquitto-tls.conf.in >> /mosquitto/config/mosquitto.conf
USER mosquitto
ENTRYPOINT ["/usr/local/bin/broker-entrypoint"]
CMD ["mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
