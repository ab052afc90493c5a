;;; leadline.el --- Findings of Leadline while typing -*- lexical-binding: t -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; For Eglot, which is part of Emacs 29 and a package before that.  Load this file and open a manifest in a mode
;; for YAML: M-x eglot, or (add-hook 'yaml-mode-hook #'eglot-ensure).

;;; Code:

(require 'eglot)

(defgroup leadline nil "Findings of Leadline." :group 'tools)

(defcustom leadline-command '("leadline" "lsp")
  "The command that starts the server."
  :type '(repeat string))

(defcustom leadline-trusted nil
  "Whether charts are rendered and own controls run: only where you trust what is in the folder."
  :type 'boolean)

(defcustom leadline-modes '(yaml-mode yaml-ts-mode dockerfile-mode dockerfile-ts-mode)
  "The modes in which the server is asked."
  :type '(repeat symbol))

(defclass leadline-server (eglot-lsp-server) () :documentation "The server of Leadline.")

(cl-defmethod eglot-initialization-options ((_server leadline-server))
  (list :trusted (if leadline-trusted t :json-false)))

(defun leadline--contact (&rest _)
  "How the server is started."
  (cons 'leadline-server leadline-command))

(add-to-list 'eglot-server-programs (cons leadline-modes #'leadline--contact))

(provide 'leadline)
;;; leadline.el ends here
