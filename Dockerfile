# One image with Snakemake, its cluster plugins and every package of envs/: for Kubernetes, AWS Batch and Apptainer.
#   docker build -t MY-REGISTRY/shapsketch:1.1.0 .
#   apptainer build shapsketch.sif docker-daemon://MY-REGISTRY/shapsketch:1.1.0
FROM python:3.13-slim
# LightGBM's wheel links to the system's OpenMP, which slim images lack.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
# CUDA: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY envs/run.txt envs/cluster.txt /opt/shapsketch/envs/
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" \
    -r /opt/shapsketch/envs/run.txt -r /opt/shapsketch/envs/cluster.txt
COPY Snakefile /opt/shapsketch/
COPY workflow /opt/shapsketch/workflow
COPY resources /opt/shapsketch/resources
ENV NUMBA_CACHE_DIR=/tmp/numba OMP_NUM_THREADS=1
WORKDIR /work
CMD ["snakemake", "--snakefile", "/opt/shapsketch/Snakefile", "--cores", "all"]
