import CCurl
import CShims
import Glibc

/// One request on its way through libcurl.
///
/// It is built by the caller, handed to the loop, and from then on touched by the loop's thread alone; that is
/// what makes it safe to send there.
final class Transfer: @unchecked Sendable {
    /// Progress of an upload: bytes sent, bytes in all.
    typealias Progress = @Sendable (Int, Int) -> Void

    /// A problem document is read up to here.
    private static let maxProblemBytes = 1 << 20

    let easy: UnsafeMutableRawPointer
    private let address: ServerAddress
    private let remedy: String
    private let timeout: Duration?
    private let source: UploadSource?
    private let sink: @Sendable ([UInt8]) throws -> Void
    private let progress: Progress?
    private let done: @Sendable (Result<Reply, any Error>) -> Void
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var status = 0
    private var headers = Headers()
    private var problem: [UInt8] = []
    private var failure: (any Error)?
    private var reported = -1

    init(
        _ call: Call, to address: ServerAddress, options: HTTPClient.Options, progress: Progress?,
        sink: @escaping @Sendable ([UInt8]) throws -> Void, done: @escaping @Sendable (Result<Reply, any Error>) -> Void
    ) throws(APIError) {
        guard let easy = curl_easy_init() else {
            throw .badReply(address: address.description, cause: "the HTTP library does not start")
        }
        do {
            source = try UploadSource(call.body)
        } catch {
            curl_easy_cleanup(easy)
            throw error
        }
        self.easy = easy
        self.address = address
        remedy = options.unreachableRemedy
        timeout = call.timeout
        self.sink = sink
        self.progress = progress
        self.done = done
        setUp(call, options)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
    }

    // MARK: setting up

    private func setUp(_ call: Call, _ options: HTTPClient.Options) {
        set(CURLOPT_URL, address.base + call.target)
        if case .unix(let path) = address { set(CURLOPT_UNIX_SOCKET_PATH, path) }
        set(CURLOPT_CUSTOMREQUEST, call.method.rawValue)
        set(CURLOPT_NOBODY, call.method == .head ? 1 : 0)
        // A proxy of the environment has no business between a command and its node.
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_NOPROGRESS, progress == nil ? 1 : 0)
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeout.milliseconds)
        if let timeout { set(CURLOPT_TIMEOUT_MS, timeout.milliseconds) }
        var headers = call.headers
        if let token = options.token { headers["Authorization"] = "Bearer \(token)" }
        if let source {
            set(CURLOPT_UPLOAD, 1)
            set(CURLOPT_UPLOAD_BUFFERSIZE, 512 << 10)
            _ = shoal_curl_set_offset(easy, CInt(bitPattern: CURLOPT_INFILESIZE_LARGE.rawValue), Int64(source.count))
            headers["Content-Type"] = source.contentType
        }
        for field in headers.fields {
            headerList = curl_slist_append(headerList, "\(field.name): \(field.value)")
        }
        _ = shoal_curl_set_pointer(easy, CInt(bitPattern: CURLOPT_HTTPHEADER.rawValue), headerList)
        var callbacks = Self.callbacks
        _ = shoal_curl_set_callbacks(easy, &callbacks, Unmanaged.passUnretained(self).toOpaque())
    }

    private func set(_ option: CURLoption, _ value: String) {
        _ = shoal_curl_set_string(easy, CInt(bitPattern: option.rawValue), value)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = shoal_curl_set_long(easy, CInt(bitPattern: option.rawValue), value)
    }

    // MARK: the loop's thread

    private static let callbacks = shoal_curl_callbacks(
        write: { data, size, count, context in
            transfer(context).receive(UnsafeRawBufferPointer(start: data, count: size * count))
        },
        header: { data, size, count, context in
            transfer(context).header(UnsafeRawBufferPointer(start: data, count: size * count))
            return size * count
        },
        read: { buffer, size, count, context in
            transfer(context).send(UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        },
        seek: { context, offset, origin in
            origin == SEEK_SET && transfer(context).source?.seek(Int(offset)) == true ? 0 : 1
        },
        progress: { context, _, _, _, uploaded in
            transfer(context).report(Int(uploaded))
            return 0
        })

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context else { preconditionFailure("libcurl lost its context") }
        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    private func receive(_ data: UnsafeRawBufferPointer) -> Int {
        if status >= 400 {
            problem.append(contentsOf: data.prefix(Self.maxProblemBytes - problem.count))
            return data.count
        }
        do {
            try sink(Array(data))
            return data.count
        } catch {
            failure = error
            return 0
        }
    }

    private func header(_ data: UnsafeRawBufferPointer) {
        let line = String(decoding: data, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A new answer: what came before was an interim one, such as 100.
            headers = Headers()
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if let colon = line.firstIndex(of: ":") {
            headers.add(String(line[..<colon]), trimmed(line[line.index(after: colon)...]))
        }
    }

    private func send(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        do {
            return try source?.read(into: buffer) ?? 0
        } catch {
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    private func report(_ uploaded: Int) {
        guard let progress, let source, uploaded != reported else { return }
        reported = uploaded
        progress(uploaded, source.count)
    }

    /// The last call: hands the result to whoever waits.
    func finish(_ code: CInt) {
        done(result(CURLcode(UInt32(bitPattern: code))))
    }

    func cancel() {
        done(.failure(APIError.cancelled))
    }

    private func result(_ code: CURLcode) -> Result<Reply, any Error> {
        if let failure { return .failure(failure) }
        // An early refusal may break the upload; what counts is the answer.
        if status >= 400, code == CURLE_OK || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR {
            return .failure(APIError.refused(decodedProblem))
        }
        guard code == CURLE_OK else { return .failure(error(code)) }
        if let source { report(source.count) }
        return .success(Reply(status: status, headers: headers, body: [], address: address.description))
    }

    private var decodedProblem: Problem {
        if let problem = try? JSON.decode(Problem.self, from: problem) { return problem }
        return Problem(status: status, detail: "the server answered \(status) \(reasonPhrase(status))")
    }

    private func error(_ code: CURLcode) -> APIError {
        let text = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_COULDNT_CONNECT:
            return .unreachable(address: address.description, cause: connectFailure ?? "nobody answers", remedy: remedy)
        case CURLE_COULDNT_RESOLVE_HOST:
            return .unreachable(address: address.description, cause: "the host name is unknown", remedy: remedy)
        case CURLE_OPERATION_TIMEDOUT:
            guard let timeout, status != 0 || connectFailure == nil else {
                return .unreachable(address: address.description, cause: "nobody answers", remedy: remedy)
            }
            return .timedOut(address: address.description, seconds: Double(timeout.milliseconds) / 1000)
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            return .interrupted(address: address.description, cause: "the server closed the connection")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return .badAddress(address.description)
        default:
            return .badReply(address: address.description, cause: text)
        }
    }

    private var connectFailure: String? {
        if case .unix(let path) = address, access(path, F_OK) != 0 { return "there is no socket: \(errorText(errno))" }
        var code = 0
        _ = shoal_curl_get_long(easy, CInt(bitPattern: CURLINFO_OS_ERRNO.rawValue), &code)
        return code == 0 ? nil : errorText(Int32(code))
    }
}

private func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
}

extension Duration {
    /// Rounded up, so that a short limit does not become none.
    var milliseconds: Int {
        Int(components.seconds) * 1000 + Int((components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
