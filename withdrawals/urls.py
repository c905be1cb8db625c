"""The pages about withdrawals, and those that combine several apps. Nouns, public references, moves as verbs."""

from django.urls import path

from withdrawals.views import (
    acts,
    bulk,
    decision,
    findings,
    flagged,
    in_flight,
    moves,
    players,
    providers,
    queue,
    second_approval,
    standings,
    transactions,
)

app_name = "withdrawals"
urlpatterns = [
    path("go/", queue.Go.as_view(), name="go"),
    path("withdrawals/", queue.Queue.as_view(), name="queue"),
    path("withdrawals/next/", queue.Next.as_view(), name="next"),
    path("withdrawals/decisions/<int:pk>/undo/", acts.AnswerDecision.as_view(act="undo"), name="undo"),
    path("withdrawals/decisions/<int:pk>/agree/", acts.AnswerDecision.as_view(act="agree"), name="agree"),
    path("withdrawals/decisions/<int:pk>/decline/", acts.AnswerDecision.as_view(act="decline"), name="decline"),
    path("withdrawals/second-approval/", second_approval.SecondApproval.as_view(), name="second-approval"),
    path("withdrawals/bulk/preview/", bulk.Preview.as_view(), name="bulk-preview"),
    path("withdrawals/bulk/apply/", bulk.Apply.as_view(), name="bulk-apply"),
    path("withdrawals/bulk/<int:pk>/", bulk.Result.as_view(), name="bulk-job"),
    path("withdrawals/bulk/<int:pk>/cancel/", bulk.Act.as_view(act="cancel"), name="bulk-cancel"),
    path("withdrawals/bulk/<int:pk>/undo/", bulk.Act.as_view(act="undo"), name="bulk-undo"),
    path("withdrawals/<slug:ref>/", decision.Record.as_view(), name="record"),
    path("withdrawals/<slug:ref>/note/", acts.AddNote.as_view(), name="note"),
    path("withdrawals/<slug:ref>/claim/", acts.ClaimRow.as_view(), name="claim"),
    path("withdrawals/<slug:ref>/take-over/", acts.TakeOver.as_view(), name="take-over"),
    path("withdrawals/<slug:ref>/<slug:move>/", moves.Decide.as_view(), name="move"),
    path("in-flight/", in_flight.InFlight.as_view(), name="in-flight"),
    path("in-flight/unknown/<slug:ref>/", in_flight.Unknown.as_view(), name="unknown"),
    path("flagged/", flagged.Flagged.as_view(), name="flagged"),
    path("flagged/<slug:ref>/", flagged.FlaggedOne.as_view(), name="flagged-one"),
    path("flagged/<slug:ref>/<slug:verdict>/", flagged.Verdict.as_view(), name="verdict"),
    path("findings/", findings.Findings.as_view(), name="findings"),
    path("findings/<int:pk>/", findings.OneFinding.as_view(), name="finding"),
    path("players/", players.Players.as_view(), name="players"),
    path("kyc/", standings.Standings.as_view(), name="standings"),
    path("transactions/", transactions.Transactions.as_view(), name="transactions"),
    path("providers/", providers.Board.as_view(), name="providers"),
    path("providers/<slug:code>/<slug:act>/", providers.Switch.as_view(), name="provider-switch"),
]
