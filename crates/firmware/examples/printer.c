// A small printer: it enrols with a file, prints 25 jobs, loses its cutter, and reports all of that.
//
//   printer FOLDER ENROLMENT-FILE
//
// Build:  cc -std=c11 printer.c -I../include -o printer -lplotmeter_agent -lcurl -lpthread -ldl -lm
//
// The transport is libcurl; a printer has an HTTPS client of its own and needs no other. Run it again with
// the same folder, and it goes on where it was.
#include "plotmeter_agent.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOBS 25

// --- What the printer brings ---------------------------------------------------------------------

static int64_t now_ms(void *user) {
  (void)user;
  struct timespec now;
  if (timespec_get(&now, TIME_UTC) == 0) {
    return 0;
  }
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int32_t random_bytes(void *user, uint8_t *out, size_t length) {
  (void)user;
  FILE *source = fopen("/dev/urandom", "rb");
  if (source == NULL) {
    return 1;
  }
  size_t got = fread(out, 1, length, source);
  fclose(source);
  return got == length ? 0 : 1;
}

static void print_log(void *user, int32_t level, const char *line) {
  (void)user;
  fprintf(stderr, "log %d: %s\n", (int)level, line);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *response) {
  // Anything but the full count makes libcurl stop: an answer that long is not the portal's.
  return pm_response_body(response, (const uint8_t *)bytes, size * count) == PM_OK ? size * count : 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *response) {
  size_t length = size * count;
  char line[4 * PM_TEXT_MAX];
  const char *colon = memchr(bytes, ':', length);
  if (colon == NULL || length >= sizeof line) {
    return length;
  }
  memcpy(line, bytes, length);
  line[length] = '\0';
  line[colon - bytes] = '\0';
  char *value = line + (colon - bytes) + 1;
  value[strcspn(value, "\r\n")] = '\0';
  pm_response_header(response, line, value);
  return length;
}

static int32_t post(void *user, const pm_request *request, pm_response *response) {
  (void)user;
  CURL *curl = curl_easy_init();
  if (curl == NULL) {
    return 1;
  }
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  for (size_t i = 0; i < request->header_count; i++) {
    char line[4 * PM_TEXT_MAX];
    snprintf(line, sizeof line, "%s: %s", request->headers[i].name, request->headers[i].value);
    headers = curl_slist_append(headers, line);
  }
  curl_easy_setopt(curl, CURLOPT_URL, request->url);
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body == NULL ? "" : (const char *)request->body);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body_length);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, response);
  if (request->authority_pem != NULL) {
    struct curl_blob authority = {(void *)request->authority_pem, strlen(request->authority_pem), CURL_BLOB_COPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
  }
  CURLcode result = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  if (result != CURLE_OK) {
    fprintf(stderr, "transport: %s\n", curl_easy_strerror(result));
    return 1;
  }
  pm_response_status(response, (uint16_t)status);
  return 0;
}

// --- What the printer does -----------------------------------------------------------------------

static pm_agent *agent;

// Ends the program where a call failed. A printer would log it and go on printing.
static void check(int32_t code, const char *what) {
  if (code >= 0) {
    return;
  }
  char words[PM_OUT_MAX];
  if (agent == NULL || pm_last_error(agent, words, sizeof words, NULL) != PM_OK) {
    words[0] = '\0';
  }
  fprintf(stderr, "%s: error %d %s\n", what, (int)code, words);
  exit(1);
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  char *text = calloc(1, PM_JSON_MAX);
  if (text == NULL || fread(text, 1, PM_JSON_MAX - 1, file) == 0) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  fclose(file);
  return text;
}

static void enrol(const char *path) {
  char text[PM_OUT_MAX];
  char *file = read_file(path);
  check(pm_enrol_file(agent, file), "enrol");
  free(file);
  // A printer shows these on its panel and waits for a person.
  check(pm_account_reseller(agent, text, sizeof text, NULL), "account");
  printf("reseller: %s\n", text);
  check(pm_account_customer(agent, text, sizeof text, NULL), "account");
  printf("customer: %s\n", text);
  check(pm_privacy(agent, text, sizeof text, NULL), "privacy");
  printf("privacy: %s\n", text);
  check(pm_enrol_confirm(agent), "confirm");
}

static void report(int64_t jobs) {
  check(pm_report_begin(agent), "begin a report");
  check(pm_report_set_text(agent, "S1", NULL, "ready"), "S1");
  check(pm_report_set_text(agent, "S10", "1", "cyan"), "S10");
  check(pm_report_set_int(agent, "S16", "1", 300000000), "S16");
  check(pm_report_set_int(agent, "S17", "1", 120000 * jobs), "S17");
  check(pm_report_set_int(agent, "U7", "Bond 80 g", 1050000 * jobs), "U7");
  check(pm_report_set_int(agent, "U14", NULL, jobs), "U14");
  check(pm_report_set_int(agent, "U15", NULL, jobs), "U15");
  check(pm_report_set_int(agent, "U17", NULL, 1050000 * jobs), "U17");
  check(pm_report_end(agent), "end a report");
}

// A printer does this after each job, report and alert, and when the time that pm_step gave is over.
static void step(int64_t jobs) {
  int64_t wait_ms = 0;
  int32_t wanted = pm_report_wanted(agent);
  check(wanted, "report wanted");
  if (wanted == 1) {
    report(jobs);
  }
  check(pm_step(agent, &wait_ms), "step");
}

static void job(int64_t number) {
  char uuid[64];
  snprintf(uuid, sizeof uuid, "5d6c2a10-0000-4000-8000-%012lld", (long long)number);
  check(pm_job_begin(agent, PM_JOB_PRINT), "begin a job");
  check(pm_job_set_text(agent, "P1", NULL, "plan of the ground floor.pdf"), "P1");
  check(pm_job_set_text(agent, "P2", NULL, uuid), "P2");
  check(pm_job_set_text(agent, "P8", NULL, "somebody"), "P8");
  check(pm_job_set_int(agent, "P10", NULL, now_ms(NULL) - 60000), "P10");
  check(pm_job_set_text(agent, "P11", NULL, "printed"), "P11");
  check(pm_job_set_int(agent, "P15", NULL, 1), "P15");
  check(pm_job_set_int(agent, "P17", NULL, 45000), "P17");
  check(pm_job_set_int(agent, "P18", "cyan", 120000), "P18");
  check(pm_job_set_int(agent, "P19", NULL, 1050000), "P19");
  check(pm_job_set_int(agent, "P20", NULL, 1000000), "P20");
  check(pm_job_set_int(agent, "P22", "low-density", 1000000), "P22");
  check(pm_job_end(agent), "end a job");
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s FOLDER ENROLMENT-FILE\n", argv[0]);
    return 2;
  }
  if (pm_abi_version() != PM_ABI_VERSION) {
    fprintf(stderr, "the library has another version of the interface\n");
    return 1;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  pm_config config;
  memset(&config, 0, sizeof config);
  config.abi_version = PM_ABI_VERSION;
  config.folder = argv[1];
  config.serial_number = "EX00000001";
  config.product_number = "EX1";
  config.product_name = "Example 36in";
  config.firmware_version = "1.0.0";
  config.host = "example-printer";
  config.clock = now_ms;
  config.entropy = random_bytes;
  config.transport = post;
  config.log = print_log;
  check(pm_agent_open(&config, &agent), "open");
  if (pm_enrol_status(agent) == PM_ENROL_NONE) {
    enrol(argv[2]);
  }
  // The first step tells the portal that a person confirmed, and brings the settings.
  int64_t wait_ms = 0;
  check(pm_step(agent, &wait_ms), "step");
  printf("enrolment: %d\n", (int)pm_enrol_status(agent));
  check(pm_event_boot(agent), "boot");
  for (int64_t number = 1; number <= JOBS; number++) {
    job(number);
    step(number);
  }
  check(pm_alert(agent, "CUTTER/JAM", PM_SEVERITY_SEVERE, "cutter", "The cutter is jammed", now_ms(NULL)), "alert");
  step(JOBS);
  // The alert went alone; the last jobs wait for three hours, 19 jobs or 100 pages. A printer that is about
  // to be switched off for long may close and open the handle: what waits is sent after a start.
  check(pm_agent_close(agent), "close");
  check(pm_agent_open(&config, &agent), "open again");
  step(JOBS);
  char text[PM_OUT_MAX];
  check(pm_status(agent, text, sizeof text, NULL), "status");
  printf("status: %s\n", text);
  check(pm_agent_close(agent), "close");
  curl_global_cleanup();
  return 0;
}
