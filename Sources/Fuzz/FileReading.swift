internal import Federation
internal import Graph
internal import Learning
internal import Site
internal import Wire

/// What comes in files and bodies.
enum FileReading {
    /// An odd first byte: the rest is the raw form and is compressed first, which no mutation of a frame would reach.
    static func delta(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return false }
        let rest = Array(bytes.dropFirst())
        let body = first & 1 == 1 ? Federation.Frame.compress(rest) : rest
        guard let delta = try? Delta(body: body) else { return false }
        let again = try? Delta(body: delta.body)
        precondition(again == delta, "a delta is read differently when it is written again")
        precondition(
            zip(delta.rows.indices, delta.rows.indices.dropFirst()).allSatisfy { $0 < $1 }, "rows not in order")
        return true
    }

    /// The first byte says where the file is cut into two chunks: what is read does not depend on it.
    static func triples(_ bytes: [UInt8]) -> Bool {
        func read(_ chunks: [[UInt8]]) -> [String] {
            var reader = TripleReader()
            var found: [String] = []
            func drain() {
                while true {
                    do {
                        guard let triple = try reader.next() else { return }
                        precondition(!triple.head.isEmpty && !triple.relation.isEmpty && !triple.tail.isEmpty)
                        found.append(
                            "\(triple.line): \(Array(triple.head)) \(Array(triple.relation)) \(Array(triple.tail))")
                    } catch {
                        found.append("\(error)")
                    }
                }
            }
            for chunk in chunks {
                reader.feed(chunk)
                drain()
            }
            reader.finish()
            drain()
            return found
        }
        let (one, two) = halves(bytes)
        let whole = read([one + two])
        precondition(read([one, two]) == whole, "triples depend on the chunks")
        return !whole.isEmpty
    }

    static func jsonl(_ bytes: [UInt8]) -> Bool {
        func read(_ chunks: [[UInt8]]) -> (records: [GraphRecord], faults: [String]) {
            var reader = JSONLReader()
            var (records, faults): ([GraphRecord], [String]) = ([], [])
            func drain() {
                while true {
                    do {
                        guard let record = try reader.next() else { return }
                        records.append(record)
                    } catch {
                        faults.append("\(error)")
                    }
                }
            }
            for chunk in chunks {
                reader.feed(chunk)
                drain()
            }
            reader.finish()
            drain()
            return (records, faults)
        }
        let (one, two) = halves(bytes)
        let whole = read([one + two])
        precondition(read([one, two]) == whole, "records depend on the chunks")
        return !whole.records.isEmpty
    }

    private static func halves(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
        guard let first = bytes.first else { return ([], []) }
        let rest = bytes.dropFirst()
        let cut = rest.isEmpty ? 0 : Int(first) % (rest.count + 1)
        return (Array(rest.prefix(cut)), Array(rest.dropFirst(cut)))
    }

    /// Length, header, and the size of the data that the header describes.
    static func safetensors(_ bytes: [UInt8]) -> Bool {
        guard let length = try? SafetensorsHeader.length(Array(bytes.prefix(8)), fileBytes: bytes.count) else {
            return false
        }
        let json = Array(bytes.dropFirst(8).prefix(length))
        let dataBytes = bytes.count - 8 - length
        guard let header = try? SafetensorsHeader(parsing: json, dataBytes: dataBytes) else { return false }
        precondition(header.dataBytes == dataBytes, "bytes that no tensor describes")
        precondition(header.tensors.allSatisfy { $0.bytes.lowerBound >= 0 && $0.bytes.upperBound <= dataBytes })
        let written = header.bytes
        let again = try? SafetensorsHeader(parsing: Array(written.dropFirst(8)), dataBytes: dataBytes)
        precondition(again == header, "a header is read differently when it is written again")
        return true
    }

    static func peers(_ bytes: [UInt8]) -> Bool {
        guard let list = try? PeerList(parsing: bytes, path: "fuzz") else { return false }
        precondition(
            list.entries.count <= PeerList.maxEntries && Set(list.entries.map(\.peerID)).count == list.entries.count)
        let text = list.entries.map { $0.description + "\n" }.joined()
        let again = try? PeerList(parsing: Array(text.utf8), path: "fuzz")
        precondition(again == list, "peers are read differently when they are written again")
        return !list.entries.isEmpty
    }

    static func settings(_ bytes: [UInt8]) -> Bool {
        let json = try? StrictJSON(parsing: bytes)
        guard let config = try? SiteConfig(parsing: bytes, path: "fuzz") else { return json != nil }
        precondition(json != nil, "settings that are no JSON")
        let again = try? SiteConfig(parsing: Array(config.json.utf8), path: "fuzz")
        precondition(again == config, "settings are read differently when they are written again")
        return true
    }
}
