#include "cshims_http.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection) {
    struct shoal_http_callbacks *callbacks = cls;
    return callbacks->target(callbacks->context, connection, target);
}

static enum MHD_Result on_receive(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request) {
    struct shoal_http_callbacks *callbacks = cls;
    (void)url;
    return callbacks->receive(callbacks->context, connection, method, version, data, size, request) ? MHD_YES : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how) {
    struct shoal_http_callbacks *callbacks = cls;
    void *own = *request;
    *request = NULL;
    if (own) callbacks->completed(callbacks->context, connection, own, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

static void on_log(void *cls, const char *format, va_list arguments) {
    struct shoal_http_callbacks *callbacks = cls;
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    callbacks->log(callbacks->context, line);
}

// The target is decoded by the server itself, from its raw bytes.
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text) {
    size_t length = 0;
    (void)cls;
    (void)connection;
    while (text[length]) length++;
    return length;
}

struct MHD_Daemon *shoal_http_start(const struct shoal_http_options *options, struct shoal_http_callbacks *callbacks) {
    struct MHD_OptionItem pool[] = {
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_receive, callbacks,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, callbacks, MHD_OPTION_LISTEN_SOCKET, options->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, options->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->connection_memory, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target, callbacks,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, callbacks,
        MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
}

int shoal_http_connection_fd(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

int shoal_curl_set_long(void *easy, int option, long value) {
    return curl_easy_setopt(easy, (CURLoption)option, value);
}

int shoal_curl_set_offset(void *easy, int option, int64_t value) {
    return curl_easy_setopt(easy, (CURLoption)option, (curl_off_t)value);
}

int shoal_curl_set_string(void *easy, int option, const char *value) {
    return curl_easy_setopt(easy, (CURLoption)option, value);
}

int shoal_curl_set_pointer(void *easy, int option, void *value) {
    return curl_easy_setopt(easy, (CURLoption)option, value);
}

int shoal_curl_get_long(void *easy, int option, long *value) {
    return curl_easy_getinfo(easy, (CURLINFO)option, value);
}

int shoal_curl_set_callbacks(void *easy, const struct shoal_curl_callbacks *callbacks, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callbacks->write);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, callbacks->header);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, callbacks->read);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_READDATA, context);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, (curl_seek_callback)callbacks->seek);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_SEEKDATA, context);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, (curl_xferinfo_callback)callbacks->progress);
    if (!code) code = curl_easy_setopt(easy, CURLOPT_XFERINFODATA, context);
    return code;
}

void *shoal_curl_next_done(void *multi, int *code) {
    int left = 0;
    struct CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *code = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}
