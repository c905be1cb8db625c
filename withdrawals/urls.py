app_name = "withdrawals"
urlpatterns: list = []
