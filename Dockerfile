# One image for web, worker, beat and the sandbox provider; docker-compose.yml says which is which.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN useradd --uid 10001 --create-home payoutdesk
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . .
# Collecting static files needs settings, but none of the services they name.
RUN DEBUG=1 DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused python manage.py collectstatic --noinput \
    && mkdir -p var/seals && chown -R payoutdesk var
USER payoutdesk

EXPOSE 8000
CMD ["python", "-m", "gunicorn", "backoffice.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--graceful-timeout", "10", "--no-control-socket"]
