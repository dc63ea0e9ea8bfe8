// Mail is not a page of the web. Each rule that is off names the client that needs what it forbids.
module.exports = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // Gmail's telephone app and Outlook read inline style only.
    "no-inline-style": "off",
    // Outlook for Windows draws with Word: it wants width, align, border and cellpadding.
    "no-deprecated-attr": "off",
    // Outlook for Windows: a fixed width, and pictures at their size on dense screens.
    "no-conditional-comment": "off",
    // Gmail and Outlook drop <main> and keep its role.
    "prefer-native-element": ["error", { exclude: ["main"] }],
    // Written by the parser of the inliner.
    "doctype-style": ["error", { style: "uppercase" }],
    "no-trailing-whitespace": "off",
  },
};
