/// Why a text is no scope.
public enum ScopeFault: Error, Equatable, Sendable {
    case empty
    /// The label at this place, from 1, is empty.
    case emptyLabel(Int)
    /// The label at this place has a character that no label has.
    case character(Int, Character)
    /// The label at this place has so many characters.
    case longLabel(Int, count: Int)
    case tooDeep(labels: Int)
}

extension ScopeFault: CustomStringConvertible {
    public var description: String {
        let remedy = "write labels of letters, digits and _, separated by dots, as `shoal graph show NODE` prints them"
        return switch self {
        case .empty: "the scope is empty: leave it out for the whole graph"
        case .emptyLabel(let place): "label \(place) of the scope is empty: \(remedy)"
        case .character(let place, let character):
            "label \(place) of the scope has the character '\(character)': \(remedy)"
        case .longLabel(let place, let count):
            "label \(place) of the scope has \(count) characters, more than \(PathScope.maxLabelCharacters)"
        case .tooDeep(let labels): "the scope has \(labels) labels, more than \(PathScope.maxLabels)"
        }
    }
}

/// The part of a graph at a path and below it, as PostgreSQL's `ltree` writes paths: `docs.chapter_2`.
///
/// Labels are `[A-Za-z0-9_]`, 1 to 255 of them: what every PostgreSQL from 15 on takes.
public struct PathScope: Sendable, Equatable, CustomStringConvertible {
    public static let maxLabelCharacters = 255
    public static let maxLabels = 1_000

    /// The path as it was given.
    public let description: String

    /// - Throws: ``GraphError/scope(_:)``.
    public init(_ text: String) throws(GraphError) {
        if let fault = Self.fault(in: text) { throw .scope(fault) }
        description = text
    }

    static func fault(in text: String) -> ScopeFault? {
        if text.isEmpty { return .empty }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > maxLabels { return .tooDeep(labels: labels.count) }
        for (at, label) in labels.enumerated() {
            if label.isEmpty { return .emptyLabel(at + 1) }
            if let character = label.first(where: { !isLabel($0) }) { return .character(at + 1, character) }
            if label.count > maxLabelCharacters { return .longLabel(at + 1, count: label.count) }
        }
        return nil
    }

    private static func isLabel(_ character: Character) -> Bool {
        guard let byte = character.asciiValue else { return false }
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            return true
        default: return false
        }
    }
}
