#ifndef PLOTMETER_AGENT_H
#define PLOTMETER_AGENT_H

#include <stddef.h>
#include <stdint.h>

// The version of this interface. Put it into `pm_config.abi_version`.
#define PM_ABI_VERSION 1

// The longest text of a row, an item or a name, in bytes without the end mark.
#define PM_TEXT_MAX 1024

// The longest JSON text that is taken, in bytes without the end mark.
#define PM_JSON_MAX 262144

// A buffer of this size holds every text that the library gives, the end mark included.
#define PM_OUT_MAX 16384

// A buffer for the six digits of an enrolment by comparison, the end mark included.
#define PM_DIGITS_MAX 8

// Done.
#define PM_OK 0

// Understood, and by the rules of the customer's side nothing is kept: the printer does not take part.
#define PM_NOT_KEPT 1

// A pointer that must not be null is null.
#define PM_NULL -1

// A text is not UTF-8 or too long.
#define PM_TEXT -2

// A value that the row cannot have; it is kept as a defect where a report or job is being built.
#define PM_VALUE -3

// No such row, or a row that is given by another call.
#define PM_ROW -4

// The row stands once for each of something, and the item does not say for which, or there are too many.
#define PM_ITEM -5

// The call does not fit what came before it: nothing was begun, or something still is.
#define PM_STATE -6

// No enrolment took place.
#define PM_NOT_ENROLLED -7

// An enrolment is in force already.
#define PM_ENROLLED -8

// The enrolment was refused, or what answered is not the portal that made the invitation.
#define PM_REFUSED -9

// The transport got no answer.
#define PM_UNREACHED -10

// The JSON is not of the documented form.
#define PM_JSON -11

// The buffer is too small; the length that is needed was given. Nothing else was done.
#define PM_BUFFER -12

// The storage folder failed.
#define PM_STORAGE -13

// A callback failed that must not: entropy, or the public key.
#define PM_CALLBACK -14

// The program was built for another version of this interface.
#define PM_ABI -15

// A mistake inside the library. The handle can only be closed; what was kept is safe, open it again.
#define PM_PANIC -16

// The handle is in use: by another thread, or by the call that this callback serves.
#define PM_BUSY -17

// A print job.
#define PM_JOB_PRINT 0

// A scan job.
#define PM_JOB_SCAN 1

// A copy job: scan and print in one.
#define PM_JOB_COPY 2

// Good to know.
#define PM_SEVERITY_INFO 0

// Will need somebody.
#define PM_SEVERITY_WARNING 1

// The printer cannot work as it should. Such an alert is sent at once.
#define PM_SEVERITY_SEVERE 2

// No enrolment took place.
#define PM_ENROL_NONE 0

// The portal answered; a person has to confirm or refuse the account.
#define PM_ENROL_ASKED 1

// The keys are kept; the portal has not yet said that the enrolment is in force.
#define PM_ENROL_WAITING 2

// The enrolment is in force.
#define PM_ENROL_DONE 3

// The portal has these keys no more. Nothing is lost; enrol again for the same account.
#define PM_ENROL_AGAIN 4

// For the log: what a person may want to know.
#define PM_LOG_INFO 0

// For the log: something did not work and is tried again.
#define PM_LOG_WARNING 1

// For the log: something needs a person.
#define PM_LOG_ERROR 2

// One agent. Made by `pm_agent_open`, ended by `pm_agent_close`.
typedef struct pm_agent pm_agent;

// Takes the answer to a request; see `pm_response_status`, `pm_response_header` and `pm_response_body`.
typedef struct pm_response pm_response;

// A header of a request. Both texts end with a zero byte.
typedef struct {
  // The name, in lower case.
  const char *name;
  // The value.
  const char *value;
} pm_header;

// A request to carry: always a POST. Everything in it lives until the callback returns.
typedef struct {
  // `https://…`, the port only where it is not 443.
  const char *url;
  // The headers, content type included. Send these and no others that tell about the printer.
  const pm_header *headers;
  // How many headers.
  size_t header_count;
  // The body; null when its length is 0.
  const uint8_t *body;
  // Its length in bytes.
  size_t body_length;
  // The certificate authority to trust for this portal instead of the public ones, in PEM; null for the public ones.
  const char *authority_pem;
} pm_request;

// What the printer brings. Texts are copied by `pm_agent_open`; callbacks and `user` are used until
// `pm_agent_close`. Set all of it to zero first, so that what is not filled in is absent.
typedef struct {
  // `PM_ABI_VERSION`.
  uint32_t abi_version;
  // A folder of this agent alone, on storage that survives power loss. It is made where it is absent.
  const char *folder;
  // Row C3. Must be there: it is the key by which the printer is known.
  const char *serial_number;
  // Row C1, or null.
  const char *product_number;
  // Row C2, or null.
  const char *product_name;
  // Row C4, or null.
  const char *firmware_version;
  // How people recognise the printer in the portal, such as its host name; null for the product name.
  const char *host;
  // Handed to every callback.
  void *user;
  // Milliseconds since 1970-01-01T00:00:00Z. A wrong clock loses nothing; see the manual.
  int64_t (*clock)(void *user);
  // Fills `out` with unpredictable bytes; gives 0 when it did. Anything else stops the call with `PM_CALLBACK`.
  int32_t (*entropy)(void *user, uint8_t *out, size_t length);
  // Carries a request and fills in the answer; gives 0 when there was one, whatever its status.
  // TLS 1.3, no redirects followed, a time limit of its own.
  int32_t (*transport)(void *user, const pm_request *request, pm_response *response);
  // The public Ed25519 key of a secure element, 32 bytes; gives 0. Null: the library makes a key and keeps it.
  int32_t (*public_key)(void *user, uint8_t *out);
  // Signs with the key of `public_key`, 64 bytes into `out`; gives 0. Both or neither.
  int32_t (*sign)(void *user, const uint8_t *message, size_t length, uint8_t *out);
  // Takes a line for the printer's log, without personal data; or null.
  void (*log)(void *user, int32_t level, const char *line);
  // What the folder may hold, in bytes; 0 for the default of 64 MiB, never less than 8 MiB.
  uint64_t spool_bytes_max;
  // Bytes within 30 minutes when there is much to catch up; 0 for the default of 11 250 000.
  uint64_t catch_up_bytes;
} pm_config;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the interface that this library has, to be held against `PM_ABI_VERSION`.
uint32_t pm_abi_version(void);

// Opens the agent in a folder, making it where it is absent; the handle is written to `out`. On failure
// `out` is null and the reason goes to the log callback, if there is one. One handle a folder.
int32_t pm_agent_open(const pm_config *config, pm_agent **out);

// Closes a handle. What was kept stays in the folder. Null is allowed.
int32_t pm_agent_close(pm_agent *agent);

// What went wrong in the last call, in words for the printer's log; empty when nothing did.
int32_t pm_last_error(const pm_agent *agent, char *out, size_t capacity, size_t *length);

// Begins an enrolment with the file that the reseller made. Calls the transport once. Then show the
// account (`pm_account_reseller`, `pm_account_customer`) and the privacy policy (`pm_privacy`) to a person.
int32_t pm_enrol_file(pm_agent *agent, const char *json);

// Begins an enrolment with the secret that the factory put into this printer. Otherwise as `pm_enrol_file`.
int32_t pm_enrol_factory(pm_agent *agent, const char *json);

// Begins an enrolment by comparison with the portal at `portal`, such as `https://portal.example`. Calls
// the transport twice and writes six digits for the panel to `digits`, of at least `PM_DIGITS_MAX` bytes.
// The person who compared them on the portal confirms there; no call of `pm_enrol_confirm` is wanted.
int32_t pm_enrol_compare_begin(pm_agent *agent,
                               const char *portal,
                               const char *authority_pem,
                               char *digits,
                               size_t capacity);

// How far the enrolment is: one of `PM_ENROL_…`, or an error below zero.
int32_t pm_enrol_status(const pm_agent *agent);

// The reseller that will see the data, as the portal proved it; empty where it is not known yet.
int32_t pm_account_reseller(const pm_agent *agent, char *out, size_t capacity, size_t *length);

// The customer's account that the data goes to; empty where it is not known yet.
int32_t pm_account_customer(const pm_agent *agent, char *out, size_t capacity, size_t *length);

// A person confirmed the account: the keys are kept, and the next `pm_step` tells the portal.
int32_t pm_enrol_confirm(pm_agent *agent);

// A person refused the account: nothing of the enrolment is kept.
int32_t pm_enrol_refuse(pm_agent *agent);

// Ends the enrolment: tells the portal where it can, removes keys and everything unsent, and writes a
// signed proof of what was removed to `out`, of `PM_OUT_MAX` bytes. The proof stays in the folder too.
int32_t pm_factory_reset(pm_agent *agent, char *out, size_t capacity, size_t *length);

// The privacy policy as JSON: each personal field with drop, pseudonym or keep, and how exact times are.
int32_t pm_privacy(const pm_agent *agent, char *out, size_t capacity, size_t *length);

// Takes another privacy policy, which holds from now on and after a restart. Only a person on the
// customer's side may loosen it. What waits is brought down to a tighter one before this returns.
int32_t pm_set_privacy(pm_agent *agent, const char *json);

// Begins a report: what the printer is and has counted, without its jobs.
int32_t pm_report_begin(pm_agent *agent);

// Puts a row whose value is text, such as `S11` of the item `cyan`. An empty text is no value.
int32_t pm_report_set_text(pm_agent *agent, const char *row, const char *item, const char *value);

// Puts a row whose value is a number in the row's unit (mm², µm, nl, ms, ppm, a count, or 0 and 1), or an
// instant in milliseconds since 1970.
int32_t pm_report_set_int(pm_agent *agent, const char *row, const char *item, int64_t value);

// Ends the report. The next reading is made of it, when one is due.
int32_t pm_report_end(pm_agent *agent);

// A whole report as JSON, with its alerts and jobs; the manual has the form.
int32_t pm_report_json(pm_agent *agent, const char *json);

// Begins a finished job of `kind`, one of `PM_JOB_…`.
int32_t pm_job_begin(pm_agent *agent, int32_t kind);

// Puts a row of the job whose value is text, such as `P2` or `P12`; `item` is null for a row that stands once.
int32_t pm_job_set_text(pm_agent *agent,
                        const char *row,
                        const char *item,
                        const char *value);

// Puts a row of the job whose value is a number, such as `P18` of the item `cyan`, or an instant.
int32_t pm_job_set_int(pm_agent *agent, const char *row, const char *item, int64_t value);

// Ends the job. It is on storage when this returns `PM_OK`; a job given twice counts once.
int32_t pm_job_end(pm_agent *agent);

// A finished job as JSON; otherwise as `pm_job_end`.
int32_t pm_job_json(pm_agent *agent, const char *json);

// Forgets the report and the job that were begun and not ended.
int32_t pm_cancel(pm_agent *agent);

// Raises an alert of `severity`, one of `PM_SEVERITY_…`. `part` and `text` may be null. `since` is when it
// began, in milliseconds since 1970, or 0 for now; an alert that is raised again after a boot has the same
// `since`, and is sent once. Call `pm_step` at once after a severe one.
int32_t pm_alert(pm_agent *agent,
                 const char *code,
                 int32_t severity,
                 const char *part,
                 const char *text,
                 int64_t since);

// Clears the active alerts of `code`, at `cleared_at` or, where that is 0, now.
int32_t pm_alert_cleared(pm_agent *agent, const char *code, int64_t cleared_at);

// Says that the printer started. Call it once after `pm_agent_open`, then raise the alerts that are active.
int32_t pm_event_boot(pm_agent *agent);

// Whether the next step wants a new report first: 1 or 0, or an error below zero.
int32_t pm_report_wanted(const pm_agent *agent);

// Does what is due: makes a reading, sends, takes the portal's answers. It calls the transport, and
// writes the milliseconds until it wants to be called again to `wait_ms`. Call it earlier after each job,
// report and alert.
int32_t pm_step(pm_agent *agent, int64_t *wait_ms);

// Makes another evidence key, which the one before introduces at the next step. Not with a secure element.
int32_t pm_rotate_key(pm_agent *agent);

// What the agent says of itself, as JSON: enrolment, account, what waits, what the portal last refused.
int32_t pm_status(const pm_agent *agent, char *out, size_t capacity, size_t *length);

// For the transport callback: the HTTP status of the answer.
int32_t pm_response_status(pm_response *response, uint16_t status);

// For the transport callback: one header of the answer. Give all of them.
int32_t pm_response_header(pm_response *response, const char *name, const char *value);

// For the transport callback: a piece of the answer's body, in order. `PM_VALUE` says that the answer is
// longer than the portal's can be: stop reading it.
int32_t pm_response_body(pm_response *response, const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PLOTMETER_AGENT_H */
