"""Every part of the bot, made once and given to those who need it. The only place where parts are put together."""

from bot.access.audience import Audiences
from bot.access.rules import Access
from bot.answering import Recorder
from bot.delivery.outbox import CardDelivery
from bot.documents.ingesting import Ingesting
from bot.documents.library_sources import hosts_of
from bot.documents.page_reader import page_reader
from bot.documents.refreshing import Refresher
from bot.handlers.approvals import Approvals
from bot.handlers.card_actions import AnswerRequests, CardActionHandler
from bot.handlers.chat_events import ChatEventHandler
from bot.handlers.document_events import DocumentEventHandler
from bot.handlers.long_connection import ConnectionHandler
from bot.handlers.messages import Addressee, MessageHandler
from bot.handlers.owner_presses import OwnerPresses
from bot.handlers.router import EventRouter
from bot.handlers.votes import Votes
from bot.inbox.claim import Shares
from bot.inbox.queue import Jobs
from bot.inbox.replicas import Replicas
from bot.inbox.worker import Worker, WorkerLimits
from bot.intake.bot_identity import Identity
from bot.intake.command_handlers import CommandRunner
from bot.intake.forwarded import CardReader, ForwardReader
from bot.intake.image_text import ImageText
from bot.intake.intake import MessageContents, MessageIntake, OwnerReplies, SilentMode
from bot.intake.linked_documents import LinkedDocuments
from bot.intake.message_readers import FileReader, ImageReader, KindReaders, Pictures, Reader
from bot.intake.policy import Policy
from bot.intake.principal_names import PrincipalNames
from bot.intake.query_rewriting import QueryRewriter
from bot.intake.refusals import Refusals, Refusing
from bot.intake.replied_message import RepliedMessages
from bot.intake.replies import Replier
from bot.intake.source_reasons import SourceReasons
from bot.intake.threads import ThreadReader
from bot.intake.user_names import UserNames
from bot.job import JobKind
from bot.jobs.answer import AnswerHandler
from bot.jobs.answer_card import AnswerCards, CardLocks
from bot.jobs.approval import ApprovalHandler
from bot.jobs.ask_owner import AskOwnerHandler
from bot.jobs.ask_reason import AskReasonHandler
from bot.jobs.budget import BudgetHandler
from bot.jobs.card_extras import CardExtras, SuggestedQuestions
from bot.jobs.digest import Digest
from bot.jobs.ingest import IngestHandler
from bot.jobs.menu import MenuHandler
from bot.jobs.mirror_rights import RightsHandler
from bot.jobs.more_sources import AfterAnswer, MoreSourcesHandler
from bot.jobs.owner_context import OwnerContext
from bot.jobs.owner_week import ObsoleteHandler, OwnerWeek
from bot.jobs.question import Answerers, QuestionReader
from bot.jobs.queue_position import QueuePositions
from bot.jobs.recall import RecallHandler
from bot.jobs.redraw import RedrawHandler
from bot.jobs.refresh import RefreshHandler
from bot.jobs.refuse import RefuseHandler
from bot.jobs.registry import JobHandler, JobHandlers
from bot.jobs.summary import Summaries
from bot.jobs.verified import VerifiedHandler
from bot.jobs.welcome import WelcomeHandler
from bot.live_prompts import LivePrompts
from bot.observability.clock_offset import ClockOffset
from bot.observability.metrics import Metrics
from bot.observability.tracing import TraceStore, Tracing
from bot.owners.asking import Asking
from bot.repositories.analytics import Analytics
from bot.repositories.attachments import Attachments, Quota
from bot.repositories.chat_facts import Arrivals, ChatFacts
from bot.repositories.document_rights import HOUR_S, DocumentRights
from bot.repositories.erasure import Erasure
from bot.repositories.fallbacks import DeliveryFallbacks
from bot.repositories.history import ChatHistory
from bot.repositories.ingest_runs import IngestRuns
from bot.repositories.owner_decisions import OwnerDecisions
from bot.repositories.owner_questions import OwnerQuestions
from bot.repositories.prompt_versions import PromptVersions
from bot.repositories.token_usage import TokenUsage
from bot.repositories.turns import Conversations
from bot.repositories.verified_answers import VerifiedStore
from bot.repositories.votes import Feedback
from bot.repositories.web_turns import WebStore
from bot.settings import Settings
from bot.storage.database import Database
from bot.verified.approval import Verifying
from bot.verified.passages import Passages
from bot.web.chat.turns import WebTurns
from feishu.api.cardkit import CardKit
from feishu.api.client import CallRecord, FeishuClient
from feishu.api.messages import Messages
from feishu.clock import Clock
from feishu.documents.listing import Documents
from feishu.documents.rights import RightsReader
from feishu.long_connection.connection import LongConnection
from rag.events import ModelCall
from rag.knowledge_base import KnowledgeBase


def document_rights(settings: Settings, database: Database, clock: Clock) -> DocumentRights:
    """The mirrored rights in this store; the library searches by them, and everything else shows by them."""
    rules = settings.bot.access
    return DocumentRights(
        database, clock=clock, is_on=rules.rights == "mirror", max_age_s=rules.rights_max_age_h * HOUR_S
    )


class Parts:
    """The parts by name, from those that need nothing to those that need most. Nothing runs yet."""

    def __init__(
        self,
        settings: Settings,
        library: KnowledgeBase,
        database: Database,
        *,
        clock: Clock,
        rights: DocumentRights | None = None,
        verified: VerifiedStore | None = None,
    ) -> None:
        self.settings = settings
        self.library = library
        self.database = database
        self.clock = clock
        self.policy = Policy(settings.bot.people)
        self.rights = rights or document_rights(settings, database, clock)
        self.verified = verified or VerifiedStore(database, clock=clock)
        self._build_observability()
        self._build_platform()
        self.audiences = Audiences(self.client, settings.bot.access, self.rights.lists, clock)
        self.access = Access(
            settings.bot.access,
            settings.rag,
            lists=self.rights.lists,
            audiences=self.audiences,
            refresh=self.rights.refresh,
        )
        self._build_repositories()
        self._build_intake()
        self._build_jobs()
        self._build_worker()
        self._build_handlers()
        self._build_web()

    def _build_observability(self) -> None:
        self.metrics = Metrics()
        self.clock_offset = ClockOffset(self.clock)
        self.tracing = Tracing(
            TraceStore(self.database, clock=self.clock), lambda: self.library.prompts, clock=self.clock
        )
        self.recorder = Recorder(self.tracing, self.metrics, self.clock)

    def _build_platform(self) -> None:
        self.client = FeishuClient(self.settings.feishu, clock=self.clock, observe=self._platform_called)
        self.messages = Messages(self.client)
        self.voice = Replier(self.messages)
        ask, scopes = self.client.bot_identity, self.client.granted_scopes
        self.identity = Identity(ask, ask_scopes=scopes, clock=self.clock)

    def _build_repositories(self) -> None:
        database, clock, bot = self.database, self.clock, self.settings.bot
        jobs_clock = clock if database.is_sqlite else None
        self.jobs = Jobs(database, lease_s=bot.lease_s, clock=jobs_clock, shares=Shares.of(bot.workers))
        self.conversations = Conversations(database, clock=clock, records_shown=self.access.mirrors)
        self.feedback = Feedback(database, clock=clock)
        self.ledger = ChatFacts(database, clock=clock)
        self.arrivals = Arrivals(self.ledger, self.settings.feishu.app_id, clock=clock)
        self.gaps = OwnerQuestions(database, clock=clock)
        self.decisions = OwnerDecisions(database, clock=clock)
        self.usage = TokenUsage(database, clock=clock)
        versions = PromptVersions(database, clock=clock)
        self.live_prompts = LivePrompts(self.library, self.settings.rag.prompts, versions, clock=clock)
        self.library.on_model_call = self._model_called
        self.forgetting = Erasure(database, clock=clock)
        self.memory = ChatHistory(database, bot.people, self.access, clock=clock)
        quota = Quota.of(bot.people)
        self.attachments = Attachments(database, self.settings.rag, self.library, quota=quota, clock=clock)

    def _build_intake(self) -> None:
        people, messages = self.settings.bot.people, self.messages
        names = UserNames(self.client, clock=self.clock)
        pictures = Pictures(messages, ImageText(self.library, self.settings.rag.reading))
        forwards = ForwardReader(messages, names, self.identity)
        self.threads = ThreadReader(messages, names, self.identity)
        files, images = FileReader(messages, self.attachments, self.metrics), ImageReader(pictures)
        readers: dict[str, Reader] = {"file": files, "image": images, "post": images, "merge_forward": forwards}
        readers["interactive"] = CardReader(messages)
        forgetting, access = self.forgetting, self.access
        self.names = PrincipalNames(self.client, names, clock=self.clock)
        reasons = SourceReasons(self.ledger, self.conversations, self.rights, access, self.names, self.library)
        self.obedience = CommandRunner(
            self.voice, self.library, self.memory, forgetting, self.ledger, self.jobs, access, reasons
        )
        kinds = KindReaders(self.voice, readers, images, self._links())
        quotes = RepliedMessages(messages, self.ledger, names, self.identity, pictures, files, forwards)
        language = self.settings.bot.language
        self.contents = MessageContents(self.identity, kinds, quotes, self.voice, language=language)
        self.refusing = Refusing(self.voice, self.ledger, clock=self.clock)
        owners = OwnerReplies(self.gaps, self.voice, self.jobs)
        silence = SilentMode(self.library, access, people.silent_confidence)
        self.reading = MessageIntake(
            self.contents, self.ledger, owners, self.obedience, silence, self.policy, self.refusing
        )
        self.understanding = QueryRewriter(self.library, self.memory, names, people, access)
        self.verifying = Verifying(
            self.verified, Passages(self.library), people, names, self.conversations, access, clock=self.clock
        )

    def _links(self) -> LinkedDocuments:
        return LinkedDocuments(
            Documents(self.client),
            lambda: page_reader(self.client, self.settings.rag, self.library),
            self.attachments,
            self.library,
            self.access,
            self.identity,
            lambda page: RightsReader(self.client, by_link=self.settings.bot.access.link_shared).of(page),
            hosts=hosts_of(self.settings),
            is_on=self.settings.bot.people.read_links,
        )

    def _build_jobs(self) -> None:
        """One handler a kind; those that write to a card of an answer share who may do so at a time."""
        bot, clock, language = self.settings.bot, self.clock, self.settings.bot.language
        voice, conversations = self.voice, self.conversations
        self.outbox = self._outbox()
        self.dressing = CardExtras(self.ledger, self.identity, bot.people, self.access)
        self.proposing = self._proposing()
        one_writer = CardLocks()
        self.answers = self._answers(one_writer)
        self.digest = self._digest()
        self.budget = BudgetHandler(self.usage, self.jobs, self.ledger, voice, self.settings, clock)
        refresher = Refresher(self.settings, self.client, self.library)
        self.ingest_runs, app_id = IngestRuns(self.database, clock=clock), self.settings.feishu.app_id
        self.refresh = RefreshHandler(refresher, self.jobs, bot.refresh_min * 60, app_id, self.ingest_runs, clock)
        self.rights_look = RightsHandler(self.settings, self.client, self.rights, self.jobs, clock)
        ingesting = Ingesting(self.settings, self.client, self.library, self.rights.keep)
        self.ingests = IngestHandler(ingesting, self.library, self.ingest_runs, self.jobs, clock)
        self.verified_look = VerifiedHandler(self.verifying, voice, self.jobs, self.settings)
        self.owner_week = self._owner_week()
        handlers: dict[JobKind, JobHandler] = {
            "answer": self.answers,
            "regenerate": self.answers,
            "continue": self.answers,
            "redraw": RedrawHandler(self.outbox, conversations, self.dressing, one_writer, language=language),
            "recalled": RecallHandler(
                self.outbox, conversations, self.ledger, self.jobs, one_writer, clock=clock, language=language
            ),
            "ask_reason": AskReasonHandler(self.outbox, language=language),
            "ask_person": AskOwnerHandler(
                voice, conversations, self.gaps, self._owner_context(), bot.people, self.access
            ),
            "welcome": WelcomeHandler(voice, self.library, self.ledger, self.identity, self.access, language=language),
            "menu": MenuHandler(voice, self.obedience, self.ledger, self.access, language=language),
            "refuse": RefuseHandler(self.contents, self.refusing),
            "digest": self.digest,
            "budget": self.budget,
            "refresh": self.refresh,
            "rights": self.rights_look,
            "ingest": self.ingests,
            "more_sources": MoreSourcesHandler(
                self.library, self.access, conversations, self.outbox, voice, self.jobs, language
            ),
            "approval": ApprovalHandler(self.verifying, self.gaps, voice, self.outbox, language),
            "verified": self.verified_look,
            "owner_digest": self.owner_week,
            "obsolete": ObsoleteHandler(self.decisions, self.verifying, voice, self.settings),
        }
        self.handlers_of_jobs = JobHandlers(handlers, self.policy)

    def _answers(self, one_writer: CardLocks) -> AnswerHandler:
        conversations = self.conversations
        cards = AnswerCards(
            self.outbox,
            conversations,
            self.dressing,
            self.recorder,
            language=self.settings.bot.language,
            debt_s=self.settings.feishu.debt_s,
        )
        questions = QuestionReader(
            self.reading,
            self.contents,
            self.understanding,
            conversations,
            Answerers(self.library, self.attachments, Summaries(self.library, self.threads, conversations)),
            clock=self.clock,
        )
        afterwards = AfterAnswer(self.proposing, self.access, self.jobs)
        return AnswerHandler(questions, cards, conversations, self.dressing, self.policy, one_writer, afterwards)

    def _owner_context(self) -> OwnerContext:
        language = self.settings.bot.language
        return OwnerContext(self.identity, self.memory, self.threads, self.access, language=language)

    def _outbox(self) -> CardDelivery:
        return CardDelivery(
            self.messages,
            CardKit(self.client),
            self.conversations,
            frame_interval_s=self.settings.feishu.frame_interval_s,
            clock=self.clock,
            on_frame=self.metrics.card_frame,
            fallbacks=DeliveryFallbacks(self.metrics, self.database, clock=self.clock),
            close_by_put=self.settings.feishu.close_by_put,
        )

    def _proposing(self) -> SuggestedQuestions:
        def wake() -> None:
            self.worker.wake()

        budget_s = self.settings.bot.people.propose_s
        return SuggestedQuestions(self.library, self.dressing, self.jobs, budget_s=budget_s, wake=wake)

    def _digest(self) -> Digest:
        bot, figures = self.settings.bot, Analytics(self.database, clock=self.clock)
        return Digest(figures, self.jobs, self.messages, bot, self.access, self.settings.feishu.app_id, self.clock)

    def _owner_week(self) -> OwnerWeek:
        figures = Analytics(self.database, clock=self.clock)
        asking = Asking(figures, self.decisions, self.verifying, self.library, self.settings)
        return OwnerWeek(asking, self.decisions, self.verifying, self.voice, self.jobs, self.settings)

    def _build_worker(self) -> None:
        bot = self.settings.bot
        waiting = QueuePositions(
            self.jobs,
            self.reading,
            self.conversations,
            self.outbox,
            self.answers,
            clock=self.clock,
            lease_s=bot.lease_s,
            language=bot.language,
        )
        self.worker = Worker(
            self.jobs,
            self.handlers_of_jobs,
            self.metrics,
            WorkerLimits(bot.workers, bot.lease_s, bot.max_attempts, bot.retention_h * 3600),
            clock=self.clock,
            waiting=waiting,
        )
        self.client.availability.on_recovery = self.worker.outages.recovered
        self.replicas = self._replicas()

    def _replicas(self) -> Replicas | None:
        """Whom the app's call budget is shared with: nobody where one SQLite file allows one process."""
        fixed = self.settings.feishu.budget_share or None
        self.metrics.budget_shared(fixed or 1.0, 1)
        if self.database.is_sqlite:
            return None

        def apply(share: float, replicas: int, rested: bool) -> None:
            self.client.set_budget_share(share, rested=rested)
            self.metrics.budget_shared(share, replicas)

        return Replicas(self.database, self.settings.feishu.app_id, self.jobs.owner, apply, fixed=fixed)

    def _build_handlers(self) -> None:
        jobs, metrics, policy, clock = self.jobs, self.metrics, self.policy, self.clock
        refusals = Refusals(jobs, metrics, clock=clock)
        addressee = Addressee(self.identity, self.ledger, self.gaps, self.settings.bot.people, clock=clock)
        conversations, ledger, worker = self.conversations, self.ledger, self.worker
        votes = Votes(jobs, conversations, self.feedback, worker, metrics, policy, clock=clock)
        requests = AnswerRequests(jobs, conversations, ledger, worker, policy, self.access)
        owners = OwnerPresses(self.verifying, self.decisions, self.gaps, jobs, self.settings, worker.wake)
        approvals = Approvals(self.verifying, self.gaps, self.settings.feishu.app_id, owners)
        card_actions = CardActionHandler(conversations, votes, requests, approvals, policy, metrics, clock=clock)
        chat_events = ChatEventHandler(jobs, ledger, votes, metrics, policy, refusals, clock=clock)
        messages = MessageHandler(jobs, addressee, policy, refusals, self.worker, metrics, clock=clock)
        documents = DocumentEventHandler(jobs, metrics, self.audiences)
        self.handlers = EventRouter(messages, card_actions, chat_events, documents, self.worker, metrics, self.arrivals)
        app_id = self.settings.feishu.app_id
        self.connection_handler = ConnectionHandler(app_id, self.handlers, self.clock_offset, metrics)
        self.long_connection = self._long_connection()

    def _long_connection(self) -> LongConnection | None:
        """None where events come to the webhook."""
        if self.settings.feishu.transport == "webhook":
            return None
        handler = self.connection_handler
        return LongConnection(self.client, self.settings.feishu, handler.take, handler, clock=self.clock)

    def _build_web(self) -> None:
        bot, store = self.settings.bot, WebStore(self.database, self.access, clock=self.clock)
        self.web_turns = WebTurns(self.library, store, self.recorder, bot.language, bot.people.condense_s)

    def _model_called(self, call: ModelCall) -> None:
        self.metrics.model_called(call)
        self.usage.note(call)

    def _platform_called(self, call: CallRecord) -> None:
        self.metrics.platform_called(call)
        self.tracing.platform_called(call)
        if self.client.ahead_s is not None:
            self.clock_offset.show("answer", self.client.ahead_s)
