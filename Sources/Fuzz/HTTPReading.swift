internal import API
internal import Wire

/// What is ours of a request: libmicrohttpd cuts it into method, target, headers and body.
enum HTTPReading {
    /// The first byte chooses what the rest is.
    static func run(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return false }
        let rest = Array(bytes.dropFirst())
        switch first % 6 {
        case 0, 1: return target(rest)
        case 2: return headers(rest)
        case 3: return (try? JSON.decode(TrainRequest.self, from: rest)) != nil
        case 4: return (try? JSON.decode(FeedbackRequest.self, from: rest)) != nil
        default: return (try? JSON.decode(ModelCreateRequest.self, from: rest)) != nil
        }
    }

    /// What is accepted has one reading: escaped again it is the same.
    private static func target(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self), let target = try? RequestTarget(text) else {
            return false
        }
        for segment in target.segments {
            precondition(segment != "." && segment != ".." && !segment.contains("/") && !segment.contains("\0"))
        }
        var again = target.segments.isEmpty ? "/" : ""
        for segment in target.segments { again += "/" + percentEncoded(segment) }
        if !target.query.parameters.isEmpty {
            again +=
                "?"
                + target.query.parameters.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }
                .joined(separator: "&")
        }
        let reread = try? RequestTarget(again)
        precondition(reread == target, "the target \(again) is read differently when it is written again")
        let path: EscapedPath = "/\(text)"
        let inner = try? RequestTarget(path.text)
        precondition(inner == nil || inner?.segments == [text], "an escaped segment came apart")
        return true
    }

    /// `NAME: VALUE` a line.
    private static func headers(_ bytes: [UInt8]) -> Bool {
        var headers = Headers()
        for line in bytes.split(separator: UInt8(ascii: "\n")).prefix(100) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: parts[0], as: UTF8.self)
            guard parts.count == 2, isToken(name) else { continue }
            headers.add(name, String(decoding: parts[1], as: UTF8.self))
            precondition(headers[name.uppercased()] != nil && !headers.all(name.lowercased()).isEmpty)
        }
        _ = headers["Content-Type"]
        return !headers.fields.isEmpty
    }
}
