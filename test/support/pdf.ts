/** A stream of a PDF file: the members of its dictionary besides its length, and its bytes. */
export interface PdfStream {
  dict?: string;
  data: string | Uint8Array;
}

/** A PDF file of these objects, numbered from 1, of which the first is its catalogue, by hand. */
export function pdfOf(objects: readonly (string | PdfStream)[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const put = (piece: string | Uint8Array) => {
    const bytes = typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
    pieces.push(bytes);
    length += bytes.length;
  };
  put('%PDF-1.4\n');
  const places = objects.map((object, index) => {
    const at = length;
    put(`${index + 1} 0 obj\n`);
    if (typeof object === 'string') put(object);
    else {
      const data = typeof object.data === 'string' ? new TextEncoder().encode(object.data) : object.data;
      put(`<< ${object.dict ?? ''} /Length ${data.length} >>\nstream\n`);
      put(data);
      put('\nendstream');
    }
    put('\nendobj\n');
    return at;
  });
  const table = places.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const start = length;
  put(
    `xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF`,
  );
  return Buffer.concat(pieces);
}

/** The objects of a file of one page with this content, and others from number 6 on. */
export function onePage(content: PdfStream, resources = '', others: readonly (string | PdfStream)[] = []) {
  return [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> ${resources} >> >>`,
    content,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...others,
  ];
}

/** A PDF file of one page with a line of text. */
export function pdf(line: string): Uint8Array {
  return pdfOf(onePage({ data: line === '' ? '' : `BT /F1 12 Tf 72 700 Td (${line}) Tj ET` }));
}

/** A PDF file of a few kilobytes that takes days to read: each of its forms draws the next one ten times. */
export function endlessPdf(): Uint8Array {
  const form = (data: string, next = 6) => ({
    dict: `/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 5 0 R >> /XObject << /X ${next} 0 R >> >>`,
    data,
  });
  const forms = Array.from({ length: 12 }, (_, n) => form('/X Do '.repeat(10), 7 + n));
  return pdfOf(onePage({ data: '/X Do' }, '/XObject << /X 6 0 R >>', [...forms, form('BT /F1 12 Tf (x) Tj ET')]));
}
