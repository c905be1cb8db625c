from django.urls import path

from withdrawals import webhooks

urlpatterns = [path("<slug:provider>/", webhooks.receive, name="webhook")]
