# One image for every part of the platform; docker-compose.yml gives each its command.
FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/fivesigma \
    && /opt/fivesigma/bin/pip install --no-cache-dir --disable-pip-version-check '.[server]'

FROM python:3.11-slim
# The number is fixed, so that volumes and secret files can be given to it.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fivesigma \
    && install --directory --owner=fivesigma --group=fivesigma --mode=0700 /data
COPY --from=build /opt/fivesigma /opt/fivesigma
ENV PATH=/opt/fivesigma/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FIVESIGMA_DATA_DIR=/data
VOLUME /data
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=8)"]
CMD ["fivesigma-server", "serve", "--host", "0.0.0.0", "--port", "8000"]
