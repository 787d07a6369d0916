internal import API
internal import Storage

/// Lists that can be longer than their limit: each item has a `place`, and `before=PLACE` asks for what comes after it.
extension Routes {
    /// The place after which a page begins; nil for the first page.
    static func before(_ request: Request) throws(Problem) -> ListPlace? {
        guard let text = request.query["before"] else { return nil }
        guard let place = ListPlace(text) else {
            // What the schema allows is well formed.
            let isDigits =
                !text.isEmpty && text.utf8.count <= ListPlace.maxDigits
                && text.allSatisfy { $0.isHexDigit && $0.isASCII }
            throw isDigits
                ? .foreignPlace
                : .badRequest("the parameter 'before' is no place", remedy: Problem.placeRemedy, field: "before")
        }
        return place
    }
}

extension Problem {
    static let placeRemedy = "give the `place` of the last item of the page before, as it is"

    /// A place of another list, or of none.
    static var foreignPlace: Problem {
        .unusable("the place to go on from is none of this list", remedy: placeRemedy, field: "before")
    }
}
