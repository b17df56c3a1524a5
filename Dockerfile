# docker build -t pyama .
# docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" pyama run recording.nd2 --output results
FROM python:3.11-slim

WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir -c constraints.txt ".[web,plot,dask]"

# Compiled kernels and settings of libraries go where any user can write.
ENV NUMBA_CACHE_DIR=/tmp/pyama-kernels MPLCONFIGDIR=/tmp/pyama-matplotlib HOME=/tmp
RUN useradd pyama
USER pyama
WORKDIR /data
ENTRYPOINT ["pyama"]
