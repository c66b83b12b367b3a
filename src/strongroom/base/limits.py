"""A limit on everything, each with its reason. Sizes in bytes, times in seconds."""

from __future__ import annotations

from typing import Final

# --- requests -----------------------------------------------------------------------------------
OBJECT_BYTES_MAX: Final = 10 * 1024 * 1024  # a card with a full-size photo; files come later
REQUEST_XML_BYTES_MAX: Final = 4 * 1024 * 1024  # a multiget of 20,000 hrefs
MULTIGET_HREFS_MAX: Final = 20_000  # twice the largest book seen in one request
PROPERTIES_BYTES_MAX: Final = 64 * 1024  # dead properties of one member, all together
BODIES_HELD_BYTES_MAX: Final = 64 * 1024 * 1024  # of large ones, of one account, on their way
LARGE_BODY_BYTES: Final = 256 * 1024  # from here on a card is read beside the event loop
CARD_CODED_SIGNS_MAX: Final = 200_000  # of quoted-printable in one card; each takes 0.5 us
CARD_LINES_KEPT_MAX: Final = 100_000  # with more a card is refused; five times what is looked into
CARD_FOLDS_KEPT_MAX: Final = 400_000  # the largest card, folded at 26 bytes
CARD_FACT_LINES_MAX: Final = 1000  # of FN, UID and the frame; a card with more is refused
CARD_LINES_MAX: Final = 20_000  # a group of as many members; a card with more is not looked into
CARD_PARAMETERS_BYTES_MAX: Final = 256 * 1024  # all together; reading them takes 1 us a byte
MERGE_ALIKE_MAX: Final = 8  # lines of one value that one more may be united with; real ones: 1
MERGE_PARAMETERS_MAX: Final = 32  # that one line comes to have by that; then it is a further line
FILTER_CONDITIONS_MAX: Final = 64  # elements in the filter of one query; clients send a dozen
FILTER_TEXT_CHARACTERS_MAX: Final = 1024  # of one text or name in it
METERED_NAMES_MAX: Final = 200_000  # sizes kept in memory for quotas; about 160 bytes each
SPANNED_NAMES_MAX: Final = 200_000  # of objects whose times are kept in memory; 300 bytes each
LOOKED_UP_NAMES_MAX: Final = 10_000  # at once, in 40 ms; for more a listing is not much dearer
KNOWN_EVENTS_MAX: Final = 50_000  # whose times are remembered between queries; 600 bytes each
KNOWN_INSTANCES_MAX: Final = 64  # of one of them; of one that happens oftener one is
TEXTS_BYTES_MAX: Final = 16 * 1024 * 1024  # kept of what queries search; 50,000 names
TEXT_CHARACTERS_KEPT_MAX: Final = 1024  # of one object; of a longer one the body is read
IGNORED_BYTES_MAX: Final = 64 * 1024  # of a body that is read for the connection's sake alone
CALENDAR_DEPTH_MAX: Final = 8  # components inside one another; an alarm is in the third
AROUND_BYTES_MAX: Final = 64 * 1024  # of a VCALENDAR beside its components; real ones: 200
CALENDAR_TITLE_CHARACTERS_MAX: Final = 255  # of a summary in a list; the object has all of it
ZONE_BYTES_MAX: Final = 64 * 1024  # of one VTIMEZONE; with all changes since 1900 it has half of it
INSTANCES_MAX: Final = 10_000  # of one object looked at for one query; a daily event of 27 years
RULE_STEPS_MAX: Final = 50_000  # dates and occurrences looked at for one answer; 0.2 s
RULE_BYTES_MAX: Final = 8192  # of one recurrence rule; with all days of a year it has half of it
ZONE_CHANGES_MAX: Final = 4096  # of one VTIMEZONE; two a year for 400 years are 800
ZONE_NAME_BYTES_MAX: Final = 255  # of a TZID that is looked up; it may become a path
ZONES_MAX: Final = 32  # names of zones that one object uses
EXPANDED_BYTES_MAX: Final = 16 * 1024 * 1024  # of one object written out instance by instance
HREF_BYTES_MAX: Final = 255  # one path segment, as in file systems
UID_BYTES_MAX: Final = 1024  # real ones have some dozens; it is indexed
ENTRY_CLIENT_CHARACTERS_MAX: Final = 64  # of a client's name in the history; kept for ever
HEAD_BYTES_MAX: Final = 64 * 1024  # address and headers of a request; clients send 1 KiB
HEAD_SECONDS_MAX: Final = 20.0  # for all of a head, the first of a connection too
BODY_PERIOD_SECONDS: Final = 60.0  # a body that brings less than the next line in it is given up
BODY_BYTES_A_PERIOD_MIN: Final = 1024  # a phone at the edge of its network is faster
LATE_BODY_SECONDS_MAX: Final = 30.0  # for the rest of a body that was refused already
KEEP_ALIVE_SECONDS: Final = 120.0  # for the next request; phones come back within a minute or two
READER_SECONDS_MAX: Final = 60.0  # for a client to read anything of an answer that waits
CONNECTIONS_MAX: Final = 4096  # each costs some KiB; beyond it new ones are closed
FILES_KEPT: Final = 256  # open files that connections leave to the copies and all else
SYNC_REPEATS_MAX: Final = 1000  # entries about names told already, read to fill a page of a sync
PAGE_BYTES_MAX: Final = 256 * 1024  # bodies that an answer holds while its client reads
CONCURRENT_REQUESTS_MAX: Final = 1024  # beyond it: 503, so that memory stays bounded
WRONG_PASSWORD_DELAY_SECONDS: Final = 1.0  # a guesser's pace; right passwords never wait
WRONG_PASSWORDS_WAITING_MAX: Final = 256  # more than this are refused without waiting
PAIRING_SECONDS: Final = 900.0  # a page that sets up one phone: time to find the phone, no more
PAIRINGS_MAX: Final = 64  # such pages at once; they are kept in memory

# --- traces -------------------------------------------------------------------------------------
TRACE_BODY_BYTES_MAX: Final = 256 * 1024  # of a body that is looked at; 500 cards or 1,000 names
TRACE_FILE_BYTES_MAX: Final = 256 * 1024 * 1024  # then no more is written; some days of one phone
TRACE_LINES_WAITING_MAX: Final = 256  # for the disk; beyond it lines are left out

# --- exports ------------------------------------------------------------------------------------
EXPORTS_OF_ACCOUNT_MAX: Final = 2  # over HTTP at once; each reads all of an account, twice
EXPORT_ROWS_MAX: Final = 20_000  # in one answer to the command line; 300 bytes each at most
EXPORT_BODIES_MAX: Final = 500  # digests in one question, whose line has 64 KiB
EXPORT_PAGE_BYTES: Final = 4 * 1024 * 1024  # bodies in one answer; a larger one comes alone

# --- imports ------------------------------------------------------------------------------------
IMPORT_BYTES_MAX: Final = 64 * 1024 * 1024  # in one POST: 10,000 cards with small photos
INTAKE_JUNK_BYTES: Final = 64 * 1024  # of what is no card, given in one piece
INTAKE_EDITS: Final = 128  # of one atomic batch of an import; phones get their turn in between
INTAKE_BYTES: Final = 4 * 1024 * 1024  # bodies of one; a larger body is a batch of its own
INTAKE_HELD_BYTES: Final = 16 * 1024 * 1024  # that resemble what stands, until a file's end
INTAKE_REFUSED_MAX: Final = 20_000  # of one import; with more it is no file of contacts
IMPORT_OBJECTS_MAX: Final = 50_000  # answered by one POST; each costs a KiB of memory
INTAKE_TRIES: Final = 8  # for one object that others write at the same time
INTAKE_KEPT_BYTES_MAX: Final = 4 * 1024 * 1024  # of what was not taken, given back by a POST
CALENDAR_HELD_BYTES: Final = 32 * 1024 * 1024  # of one VCALENDAR until its end; 60,000 events
CSV_RECORD_BYTES_MAX: Final = 1024 * 1024  # of one row; what is longer has a quote too many
IMPORTS_MAX: Final = 8  # of the command line at once; each remembers what stands in a book

# --- batches ------------------------------------------------------------------------------------
BATCH_ENTRIES_MAX: Final = 256  # a commit stays below some tens of ms
BATCH_BYTES_MAX: Final = 16 * 1024 * 1024  # bodies of one batch, so that memory stays bounded
GATHER_SECONDS: Final = 0.002  # a batch waits so long for the crowd that the last one answered
QUEUE_EDITS_MAX: Final = 4096  # beyond it: busy
ENTRY_SLOT_BITS: Final = 12  # 4,096 places in a batch; ids and journal places are made of them
SEND_AHEAD_MAX: Final = 8  # batches that a slow replica may be behind before it must catch up
CATCH_UP_BATCHES: Final = 64  # batches read from a peer at once
SALVAGE_BYTES: Final = 4 * 1024 * 1024  # bodies that salvage holds at once, or one larger one
SALVAGE_VERSIONS_MAX: Final = 3  # of one name, should the body of the newest be lost
RECENT_ENTRIES_MAX: Final = 4096  # entries kept in memory for deltas; twice as many KB at most
RECENT_BYTES_MAX: Final = 4 * 1024 * 1024  # their bytes; an entry with properties is long

# --- waiting ------------------------------------------------------------------------------------
VOTE_SECONDS_MAX: Final = 5.0  # then the edits that wait hear "unknown"
RETRY_BATCH_SECONDS: Final = 0.5  # pause before a batch without quorum is handed out again
OPENING_SECONDS_MAX: Final = 30.0  # for the first batch of a term; then the cell is frozen
METER_SECONDS_MAX: Final = 2.0  # that a write waits to be counted; then it goes on uncounted
READ_SECONDS_MAX: Final = 1.0  # then another replica is asked
LISTING_SECONDS_MAX: Final = 15.0  # the same, for whole collections and catching up
SLOW_READ_SECONDS: Final = 30.0  # how long a replica that did not answer is asked last
STUCK_TICKS_MAX: Final = 10  # retries of a refused batch before the cell is opened anew
CHECKPOINT_SECONDS: Final = 0.25  # one replica at a time
SILENT_SECONDS_MAX: Final = 5.0  # that a copy owes the answer that it is there; then it is behind
CATCH_UP_PAUSE_SECONDS: Final = 1.0  # between looks at the copies, and tries to reach one behind
COPY_STEP_SECONDS_MAX: Final = 600.0  # for one call of a copy; the longest syncs all it wrote
COPY_PAUSE_SECONDS: Final = 5.0  # between tries to copy a doubtful replica
WITNESS_SECONDS: Final = 1.0  # at most one fsynced line a second; what can be forgotten unnoticed

# --- what devices hold --------------------------------------------------------------------------
POSITIONS_SECONDS: Final = 30.0  # between writes of sync positions; what a crash may forget of them
POSITIONS_WAITING_MAX: Final = 100_000  # devices seen between two writes; about 250 bytes each
POSITION_ROWS_MAX: Final = 4096  # kept for one account; the oldest go first
CUSTODY_DEVICES_MAX: Final = 256  # that are told about at once, the newest; each costs a table
CUSTODY_LISTED_MAX: Final = 1000  # versions that one device alone holds, told by name
FREEZES_TOLD_MAX: Final = 20  # that the status tells one by one; the count is of all
FREEZE_SECONDS_MAX: Final = 86_400.0  # a freeze that is older is an alarm; it never ends by itself

# --- history and undo ---------------------------------------------------------------------------
HISTORY_EVENTS_MAX: Final = 5000  # shown at once; below the 16 MB of an answer, whatever they hold
UNDO_ENTRIES_MAX: Final = 250_000  # that an undo keeps in memory; about 1 KB each
UNDO_NAMES_TOGETHER_MAX: Final = 1000  # that moves tie together; three entries each fit one batch
UNDO_SHOWN_MAX: Final = 200  # changes of a plan that are shown field by field; all are counted
DIFFERENCES_MAX: Final = 100  # fields of one object that are shown
DIFFERENCE_CHARACTERS_MAX: Final = 200  # of one value that is shown

# --- refused writes -----------------------------------------------------------------------------
REFUSED_KEPT_MAX: Final = 200  # of one account, and at once; the oldest make room
REFUSED_BYTES_MAX: Final = 32 * 1024 * 1024  # of one account; and so many come in an hour
REFUSED_WRITES_AN_HOUR: Final = 60  # after the first 200; of more the names are remembered
REFUSED_NAMES_MAX: Final = 20  # remembered in memory for one account; more are counted
REFUSED_KEEP_SECONDS_MAX: Final = 2.0  # then the phone is answered, and the name is remembered
REFUSED_REPEAT_SECONDS: Final = 3600.0  # in which one refused write that comes again is one
REFUSED_DELETES_AN_HOUR: Final = 1000  # of a device that may not write; each is an entry

# --- bodies and space ---------------------------------------------------------------------------
SMALL_BLOB_BYTES_MAX: Final = 64 * 1024  # larger bodies are files of their own
QUARANTINE_FILES_COUNTED_MAX: Final = 1000  # for the status; of more it says so
RESERVE_BYTES: Final = 16 * 1024 * 1024  # kept free for deletes and heal
WAL_BYTES_MAX: Final = 64 * 1024 * 1024  # then it is cut off; until then its blocks are used again
